"""Read a Bolt app into an inventory."""

import re
from dataclasses import replace

from freehold.builders.bolt.generation import EXPO, NEXT, generation
from freehold.builders.bolt.recognise import NAME
from freehold.builders.shared import breaks, frontends, leftovers, pages, routes, services, supabase_app
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.builders.shared.package import Package, packages
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import AppServer, Break, Frontend, Inventory, Unknown

DISCARDED = ".bolt/supabase_discarded_migrations"
HOSTS = ("bolt.new", "bolt.host")
_LINKS = (
    services.ServiceMark(
        service="published app", pattern=services.address(r"https://[\w-]+\.bolt\.host|https://bolt\.new/~/[\w-]+")
    ),
)
_ASSETS = services.address(r"https://bolt\.new/static/")
_BADGE = re.compile(r"bolt\.new/badge\.js|bolt\.new/\?rid=")


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is no package.json to build from."""
    checkout = open_checkout(app)
    found = packages(checkout)
    main = frontends.main_package(found)
    if main is None:
        raise NotAnApp(f"{app.name} has no package.json", detail="looked in the root, frontend, client, web and app")
    layout = generation(checkout, main)
    front = frontends.frontend(checkout, main)
    base = supabase_app.inventory(
        checkout, builder=NAME, generation=layout, packages=found, frontends=(front,) if front else ()
    )
    texts = services.text_files(checkout)
    links = services.uses(checkout, texts, _LINKS)
    assets = services.hosted_assets(checkout, texts, _ASSETS)
    return replace(
        base,
        pages=_pages(checkout, main, layout),
        builder_links=links,
        hosted_assets=assets,
        builder_hosts=HOSTS,
        unknowns=(*base.unknowns, *_unknowns(checkout, base)),
        breaks=(
            *breaks.of_links(links, "Bolt"),
            *breaks.of_assets(assets, "Bolt"),
            *_badge(checkout),
            *leftovers.leftovers(checkout, NAME),
        ),
        not_served=_not_served(base, front),
    )


def _pages(checkout: Checkout, main: Package, layout: str) -> tuple[str, ...]:
    if layout == NEXT:
        return pages.next_pages(checkout, main.folder)
    if layout == EXPO:
        return pages.expo_pages(checkout, main.folder)
    return routes.pages(checkout, main.folder)


def _unknowns(checkout: Checkout, base: Inventory) -> list[Unknown]:
    found = []
    if base.backend is not None and not base.backend.url:
        names = ", ".join(base.backend.url_names) or "the client's settings"
        found.append(
            Unknown(
                what="the back end's address",
                why=f"code reads it from {names}, and the file that holds the value is not among the sources",
                hint="only moving data needs it: copy it from the builder's settings, or put the .env file back",
            )
        )
    if _unstarted(base):
        why = (
            f"the app brings a server of its own ({_frameworks(base)}), and what it does the sources only show in part"
        )
        found.append(Unknown(what="the app's own server", why=why, hint="run it beside the app, as its README says"))
    discarded = checkout.below(DISCARDED, suffixes=(".sql",))
    if discarded:
        why = f"{len(discarded)} migrations stand in {DISCARDED}: never applied, or rolled back; they are not run"
        found.append(Unknown(what="discarded migrations", why=why, hint="compare with the live database"))
    return found


def _badge(checkout: Checkout) -> tuple[Break, ...]:
    if not any(_BADGE.search(checkout.text(path)) for path in ("index.html", "app/layout.tsx")):
        return ()
    return (Break(what="the Made in Bolt badge", answer="left out of the built pages: it serves Bolt only"),)


def _not_served(base: Inventory, front: Frontend | None) -> str:
    if front is None:
        return "package.json builds no front end that Freehold knows"
    if base.backend is None and any(server.settings and not server.requirements for server in base.servers):
        return "its Django server names its packages in no requirements.txt, and in no [project] of a pyproject.toml"
    if _unstarted(base) and base.backend is None:
        return f"it brings a server of its own ({_frameworks(base)}), which is not started yet"
    return ""


def _unstarted(base: Inventory) -> list[AppServer]:
    return [server for server in base.servers if server != base.started_server]


def _frameworks(base: Inventory) -> str:
    return " and ".join(dict.fromkeys(server.framework for server in _unstarted(base)))
