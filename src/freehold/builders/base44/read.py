"""Read a Base44 app into an inventory."""

import re
from dataclasses import replace

from freehold.builders.base44 import entities, functions, platform, serving, unknowns
from freehold.builders.base44.generation import generation
from freehold.builders.base44.recognise import NAME
from freehold.builders.shared import (
    addresses,
    breaks,
    environment,
    frontends,
    jsonc,
    leftovers,
    package,
    routes,
    services,
    supabase_app,
)
from freehold.builders.shared.checkout import Checkout, open_checkout
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import Break, EdgeFunction, EnvironmentName, Inventory

HOSTS = ("base44.com", "base44.app")
CONFIG = "base44/config.jsonc"
_FOLDERS = {
    "entitiesDir": "entities",
    "functionsDir": "functions",
    "agentsDir": "agents",
    "connectorsDir": "connectors",
}
_APP_ID = re.compile(r"""\bappId\s*[:=]\s*["']([0-9a-f]{24})["']""")
_PAGE = re.compile(r"^src/pages/(\w+)\.(?:jsx|tsx)$")
_NOT_PAGES = frozenset({"index", "Layout", "layout"})
_ASSETS = services.address(
    r"https://media\.base44\.com/|https://qtrypzzcjebvfcihiynt\.supabase\.co/storage/v1/object/public/base44-prod/"
    r"|https://(?:app\.)?base44\.(?:app|com)/api/apps/[0-9a-f]{24}/files/"
)
_LINKS = (
    services.ServiceMark(
        service="published app", pattern=services.address(r"https://(?:[\w-]+\.base44\.app|app\.base44\.com)")
    ),
)
_API = (
    services.ServiceMark(service="API", pattern=services.address(r"https://base44\.app(?=[\"'`/])")),
    services.ServiceMark(service="API", pattern=re.compile(r"@base44/sdk(?:@[\d.]+)?(?=[\"'`])")),
)
_ANSWERS = {
    "API": "a server that answers /api, the sockets and /login on the app's own address",
    "AI": "your own provider with your own key, behind the same calls",
    "e-mail": "your own SMTP server or mail provider, behind the same call",
    "SMS": "your own SMS provider, behind the same call",
    "files": "move the files; later uploads go to a store of your own",
}
_CLIENTS = ("@base44/sdk", "@base44/vite-plugin", "vite", "react")


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is no package.json to build from."""
    checkout = open_checkout(app)
    found = package.packages(checkout)
    main = frontends.main_package(found)
    if main is None:
        raise NotAnApp(f"{app.name} has no package.json", detail="looked in the root, frontend, client, web and app")
    front = frontends.frontend(checkout, main)
    base = supabase_app.inventory(
        checkout,
        builder=NAME,
        generation=generation(checkout),
        packages=found,
        frontends=(front,) if front else (),
    )
    inventory = _with_code(checkout, _with_files(checkout, base, main.folder), main)
    return _served(inventory, app.name, main)


def _served(inventory: Inventory, name: str, main: package.Package) -> Inventory:
    """Add what serving takes."""
    settings = {**inventory.settings, "auth": serving.sign_in_settings()}
    return replace(
        inventory,
        backend=serving.backend(inventory.app_id, name),
        other_backends=(*((inventory.backend,) if inventory.backend else ()), *inventory.other_backends),
        settings=settings,
        runtime_settings=serving.runtime_settings(inventory.app_id, name, inventory.settings),
        client_upgrades=serving.upgrades(main.dependencies),
    )


def _with_files(checkout: Checkout, base: Inventory, root: str) -> Inventory:
    """Add what stands in the files of the base44 folder and of the older layouts."""
    code = supabase_app.sources(checkout)
    config = jsonc.read(checkout.text(CONFIG)) or jsonc.read(checkout.text("base44/config.json")) or {}
    folders = {name: f"base44/{str(config.get(key) or name).strip('./')}" for key, name in _FOLDERS.items()}
    found = functions.functions(checkout, folders["functions"])
    records = entities.entities(checkout, folders["entities"], code)
    computed = entities.computed_count(checkout, code)
    return replace(
        base,
        app_id=_app_id(checkout, code),
        environment=_environment(checkout, code, found, base),
        functions=(*base.functions, *found),
        pages=_pages(checkout, root),
        records=records,
        automations=functions.automations(checkout, folders["functions"]),
        agents=platform.agents(checkout, folders["agents"]),
        connectors=platform.connectors(checkout, folders["connectors"], code),
        settings={**base.settings, **config},
        unknowns=(
            *(item for item in base.unknowns if item.what != "secrets"),
            *entities.broken(checkout, folders["entities"]),
            *unknowns.of_files(base.generation, records, (*base.functions, *found), computed),
        ),
    )


def _with_code(checkout: Checkout, base: Inventory, main: package.Package) -> Inventory:
    """Add what code asks of the platform, and what of it breaks elsewhere."""
    code = supabase_app.sources(checkout)
    texts = services.text_files(checkout)
    integrations, core_calls = platform.integrations(checkout, code)
    used = (*services.uses(checkout, code, _API), *integrations)
    links = services.uses(checkout, texts, _LINKS)
    assets = services.hosted_assets(checkout, texts, _ASSETS)
    return replace(
        base,
        sign_in_methods=tuple(sorted({*base.sign_in_methods, *platform.sign_in(checkout, code)})),
        ai_calls=(*core_calls, *base.ai_calls),
        builder_services=used,
        builder_links=links,
        hosted_assets=assets,
        builder_hosts=HOSTS,
        client_versions={
            **base.client_versions,
            **{name: main.dependencies[name] for name in _CLIENTS if name in main.dependencies},
        },
        breaks=(
            *breaks.of_services(used, _ANSWERS),
            *_platform_breaks(base),
            *_webhook_breaks(checkout, code),
            *breaks.of_assets(assets, "Base44"),
            *breaks.of_links(links, "Base44"),
            *leftovers.leftovers(checkout, NAME),
        ),
        unknowns=(*base.unknowns, *unknowns.of_use(used, app_id=base.app_id)),
    )


def _app_id(checkout: Checkout, code: tuple[str, ...]) -> str:
    """Give the app's id: the CLI's own file, the build's variable, or the one written into the client."""
    own = (jsonc.read(checkout.text("base44/.app.jsonc")) or {}).get("id")
    value = own or addresses.environment_values(checkout).get("VITE_BASE44_APP_ID")
    if value:
        return str(value)
    matches = (_APP_ID.search(checkout.text(path)) for path in code if "appId" in checkout.text(path))
    return next((match[1] for match in matches if match), "")


def _pages(checkout: Checkout, root: str) -> tuple[str, ...]:
    """List the page components, whose names are the addresses, and the routes that stand in code."""
    names = (match[1] for path in checkout.files if (match := _PAGE.match(path)))
    return tuple(sorted({f"/{name}" for name in names if name not in _NOT_PAGES} | set(routes.pages(checkout, root))))


def _environment(
    checkout: Checkout, code: tuple[str, ...], found: tuple[EdgeFunction, ...], base: Inventory
) -> tuple[EnvironmentName, ...]:
    """Tell the names that functions read from those of the rest."""
    entries = {function.entry: function.name for function in found}
    outside = tuple(path for path in code if path not in entries and not path.startswith(("base44/", "supabase/")))
    names = [*environment.scan(checkout, outside)]
    for entry, name in entries.items():
        names += environment.scan(checkout, (entry,), name)
    return (*names, *(item for item in base.environment if item.function))


def _platform_breaks(base: Inventory) -> list[Break]:
    found = []
    if base.connectors:
        answer = "the grants belong to Base44: register your own client with each party and connect again"
        places = tuple(place for item in base.connectors for place in item.places)
        found.append(Break(what="connectors", answer=answer, places=places))
    if base.agents:
        places = tuple(place for item in base.agents for place in item.places)
        answer = "they run on the platform: what they may reach is listed"
        found.append(Break(what="agents", answer=answer, places=places))
    if base.automations:
        places = tuple(place for item in base.automations for place in item.places)
        found.append(Break(what="automations", answer="schedule them where the app runs", places=places))
    return found


def _webhook_breaks(checkout: Checkout, code: tuple[str, ...]) -> list[Break]:
    signatures = platform.webhook_signatures(checkout, code)
    if not signatures:
        return []
    answer = f"change the address at each sender (headers checked: {', '.join(signatures)})"
    places = tuple(place for found in signatures.values() for place in found)
    return [Break(what="webhooks of others to the old address", answer=answer, places=places)]
