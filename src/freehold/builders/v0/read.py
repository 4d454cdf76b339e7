"""Read an app of v0's into an inventory."""

import posixpath
import re
from dataclasses import replace

from freehold.builders.shared import breaks, frontends, jsonc, leftovers, pages, services, supabase_app
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.builders.shared.package import Package, join, packages
from freehold.builders.shared.third_parties import dependency_place
from freehold.builders.v0.generation import generation
from freehold.builders.v0.recognise import NAME
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import Automation, Break, Inventory, MigrationFile, Place, ServiceUse, Unknown

_NUMBER = re.compile(r"^(\d+)[\w.-]*\.sql$")
_ASSETS = services.address(r"https://[\w-]+\.public\.blob\.vercel-storage\.com/")
_LINKS = (
    services.ServiceMark(service="chat", pattern=services.address(r"https://v0\.(?:app|dev)/chat/")),
    services.ServiceMark(service="published app", pattern=services.address(r"https://[\w-]+\.vercel\.app")),
)
_PACKAGES = {"@vercel/blob": "blob store", "@vercel/kv": "key-value store", "@vercel/postgres": "Vercel Postgres"}
_ANSWERS = {
    "blob store": "it wants BLOB_READ_WRITE_TOKEN: keep the account at Vercel, or store files elsewhere",
    "key-value store": "keep the account, or use a Redis of your own",
    "Vercel Postgres": "the database is Neon's: move its data, then set DATABASE_URL",
}


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is no package.json to build from."""
    checkout = open_checkout(app)
    found = packages(checkout)
    main = frontends.main_package(found)
    if main is None:
        raise NotAnApp(f"{app.name} has no package.json", detail="looked in the root, frontend, client, web and app")
    front = frontends.frontend(checkout, main)
    scripts = numbered_scripts(checkout)
    base = supabase_app.inventory(
        checkout,
        builder=NAME,
        generation=generation(main),
        packages=found,
        frontends=(front,) if front else (),
        scripts=scripts,
    )
    texts = services.text_files(checkout)
    used = _services(checkout, found)
    assets = services.hosted_assets(checkout, texts, _ASSETS)
    links = services.uses(checkout, texts, _LINKS)
    jobs = _jobs(checkout)
    return replace(
        base,
        pages=pages.next_pages(checkout, main.folder),
        automations=jobs,
        builder_services=used,
        builder_links=links,
        hosted_assets=assets,
        breaks=(
            *breaks.of_services(used, _ANSWERS),
            *breaks.of_assets(assets, "v0"),
            *breaks.of_links(links, "v0"),
            *_job_breaks(jobs),
            *leftovers.leftovers(checkout, NAME),
        ),
        unknowns=(*base.unknowns, *_unknowns(checkout, found, scripts, base.migrations)),
    )


def numbered_scripts(checkout: Checkout) -> tuple[MigrationFile, ...]:
    """Read scripts/NNN_*.sql in the order of their numbers: v0 has its owner run them by hand, one after the other."""
    found = []
    for path in checkout.below("scripts", suffixes=(".sql",)):
        match = _NUMBER.match(posixpath.basename(path))
        if match and path.count("/") == 1:
            found.append(MigrationFile(path=path, version=match[1], sql=checkout.text(path)))
    return tuple(sorted(found, key=lambda file: (int(file.version), file.path)))


def _unknowns(
    checkout: Checkout,
    found: tuple[Package, ...],
    scripts: tuple[MigrationFile, ...],
    migrations: tuple[MigrationFile, ...],
) -> list[Unknown]:
    unknowns = []
    if scripts:
        unknowns.append(
            Unknown(
                what="which scripts ran",
                why=f"{len(scripts)} numbered files in scripts/ are run by hand, and nothing records which did",
                hint="move the data from the live database: its schema comes with it",
            )
        )
    known = {file.path for file in migrations}
    stray = [path for path in checkout.below("", suffixes=(".sql",)) if path not in known and _is_stray(path)]
    if stray:
        why = f"SQL files without a number, or outside scripts/, may have run at any time: {', '.join(stray[:5])}"
        unknowns.append(Unknown(what="SQL files without a place in the order", why=why, hint="say which ones ran"))
    latest = sorted(
        {name for package in found for name, version in package.dependencies.items() if version == "latest"}
    )
    if latest:
        why = f"package.json asks for the latest version of {len(latest)} packages: {', '.join(latest[:5])}"
        unknowns.append(Unknown(what="package versions", why=why, hint="commit a lock file"))
    return unknowns


def _is_stray(path: str) -> bool:
    return not path.startswith(("supabase/", "prisma/", "drizzle/", "node_modules/"))


def _services(checkout: Checkout, found: tuple[Package, ...]) -> tuple[ServiceUse, ...]:
    return tuple(
        ServiceUse(service=service, address=f"package {name}", places=(dependency_place(checkout, package, name),))
        for package in found
        for name, service in _PACKAGES.items()
        if name in package.dependencies
    )


def _jobs(checkout: Checkout) -> tuple[Automation, ...]:
    """Read Vercel's cron entries."""
    settings = jsonc.read(checkout.text(join("", "vercel.json"))) or {}
    return tuple(
        Automation(
            name=_path(item),
            kind="scheduled",
            function=_path(item),
            detail=str(item.get("schedule", "")),
            places=(Place(path="vercel.json", line=1),),
        )
        for item in jsonc.tables(settings.get("crons"))
    )


def _path(item: dict[str, object]) -> str:
    """Give the path of a call without its query, which may hold a key."""
    return str(item.get("path", "")).partition("?")[0]


def _job_breaks(jobs: tuple[Automation, ...]) -> tuple[Break, ...]:
    if not jobs:
        return ()
    places = jobs[0].places
    return (Break(what="Vercel's scheduled calls", answer="schedule them where the app runs", places=places),)
