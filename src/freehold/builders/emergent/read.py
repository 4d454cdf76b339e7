"""Read an Emergent app into an inventory."""

import re
from dataclasses import replace

from freehold.builders.emergent import mongo
from freehold.builders.emergent.generation import EXPO, generation
from freehold.builders.emergent.recognise import NAME
from freehold.builders.shared import ai, breaks, frontends, leftovers, pages, python, routes, services, supabase_app
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout, lines, open_checkout
from freehold.builders.shared.package import Package, packages
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import AiCall, EnvironmentName, Inventory, Place, RecordKind, ServiceUse, Unknown

HOSTS = ("assets.emergent.sh", "app.emergent.sh", "emergent.sh")
_SERVICES = (
    services.ServiceMark(service="Google sign-in", pattern=services.address(r"https://auth\.emergentagent\.com")),
    services.ServiceMark(
        service="Google sign-in", pattern=services.address(r"https://demobackend\.emergentagent\.com")
    ),
    services.ServiceMark(
        service="object store",
        pattern=services.address(r"https://integrations\.emergentagent\.com/objstore"),
    ),
    services.ServiceMark(
        service="AI gateway",
        pattern=services.address(r"https://integrations\.emergentagent\.com(?!/objstore)"),
    ),
)
_PACKAGE = re.compile(r"^\s*(?:from|import)\s+emergentintegrations\.(\w+)", re.MULTILINE)
_PACKAGE_SERVICES = {"llm": "AI gateway", "payments": "Stripe by emergentintegrations"}
_LINKS = (
    services.ServiceMark(
        service="published app",
        pattern=services.address(r"(?:https?|wss?)://[\w-]+\.(?:preview\.emergentagent\.com|emergent\.host)"),
    ),
)
_ASSETS = services.address(
    r"https://customer-assets\.emergentagent\.com/|https://static\.prod-images\.emergentagent\.com/"
)
_ANSWERS = {
    "Google sign-in": "a sign-in of your own at the same two addresses; the browser's is written into the front end",
    "AI gateway": "a package of the same name that speaks to your own provider with your own key",
    "Stripe by emergentintegrations": "the same package with your own Stripe key",
    "object store": "move the objects to a store of your own that answers the same calls",
    "data in MongoDB": "a MongoDB of your own, or a gateway that speaks its protocol over PostgreSQL",
    "files on the server's disk": "a folder that outlives a release; what lies there has to be copied",
}
_SUPPLIED = frozenset({"EMERGENT_LLM_KEY", "MONGO_URL", "DB_NAME", "CORS_ORIGINS", "PORT", "INTEGRATION_PROXY_URL"})
_WITH_MODEL = re.compile(r"""\.with_model\(\s*["'](\w+)["']\s*,\s*["']([\w.:-]+)["']""")
_DISK = re.compile(r"\bUPLOADS?_(?:DIR|FOLDER|PATH)\b")


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is neither a front nor a back end."""
    checkout = open_checkout(app)
    found = packages(checkout)
    code = python.files(checkout)
    main = frontends.main_package(found)
    if main is None and not code:
        raise NotAnApp(f"{app.name} has neither a package.json nor Python code")
    front = frontends.frontend(checkout, main) if main else None
    layout = generation(checkout)
    base = supabase_app.inventory(
        checkout, builder=NAME, generation=layout, packages=found, frontends=(front,) if front else ()
    )
    texts = (*services.text_files(checkout), *code)
    used = _services(checkout, texts, code)
    records = mongo.collections(checkout, code)
    links = services.uses(checkout, texts, _LINKS)
    assets = services.hosted_assets(checkout, texts, _ASSETS)
    return replace(
        base,
        pages=_pages(checkout, main, layout),
        records=records,
        secrets=_secrets(base.environment),
        sign_in_methods=tuple(sorted({*base.sign_in_methods, *_sign_in(checkout, code, used)})),
        ai_calls=(*_chat_calls(checkout, code), *base.ai_calls),
        builder_services=used,
        builder_links=links,
        hosted_assets=assets,
        builder_hosts=HOSTS,
        breaks=(
            *breaks.of_services((*used, *_data(checkout, code, records)), _ANSWERS),
            *breaks.of_assets(assets, "Emergent"),
            *breaks.of_links(links, "Emergent"),
            *leftovers.leftovers(checkout, NAME),
        ),
        unknowns=(*base.unknowns, *_unknowns(checkout, base, records, code)),
        not_served="its Python server is not started yet" if base.servers else "its front end is not built yet",
    )


def _pages(checkout: Checkout, main: Package | None, layout: str) -> tuple[str, ...]:
    if main is None:
        return ()
    return pages.expo_pages(checkout, main.folder) if layout == EXPO else routes.pages(checkout, main.folder)


def _services(checkout: Checkout, texts: tuple[str, ...], code: tuple[str, ...]) -> tuple[ServiceUse, ...]:
    imported: dict[str, list[Place]] = {}
    for path in code:
        text = checkout.text(path)
        for match in _PACKAGE.finditer(text):
            imported.setdefault(match[1], []).append(lines(text).place(path, match.start(1)))
    packaged = (
        ServiceUse(
            service=_PACKAGE_SERVICES.get(name, "AI gateway"),
            address=f"package emergentintegrations.{name}",
            places=tuple(places),
        )
        for name, places in sorted(imported.items())
    )
    return (*services.uses(checkout, texts, _SERVICES), *packaged)


def _data(checkout: Checkout, code: tuple[str, ...], records: tuple[RecordKind, ...]) -> list[ServiceUse]:
    found = []
    if records:
        places = tuple(record.places[0] for record in records)
        found.append(ServiceUse(service="data in MongoDB", address="MONGO_URL", places=places))
    disk = [
        lines(checkout.text(path)).place(path, match.start())
        for path in code
        if (match := _DISK.search(checkout.text(path)))
    ]
    if disk:
        found.append(ServiceUse(service="files on the server's disk", address="UPLOADS_DIR", places=tuple(disk)))
    return found


def _chat_calls(checkout: Checkout, code: tuple[str, ...]) -> tuple[AiCall, ...]:
    places: list[Place] = []
    models: set[str] = set()
    for path in code:
        text = checkout.text(path)
        if "LlmChat(" in text:
            places.append(lines(text).place(path, text.find("LlmChat(")))
            models.update(f"{match[1]}/{match[2]}" for match in _WITH_MODEL.finditer(text))
            models.update(() if _WITH_MODEL.search(text) else ai.models_in(text))
    if not places:
        return ()
    return (AiCall(through="LlmChat", models=tuple(sorted(models)), places=tuple(places)),)


def _sign_in(checkout: Checkout, code: tuple[str, ...], used: tuple[ServiceUse, ...]) -> set[str]:
    texts = [checkout.text(path) for path in code]
    found = {"emergent:google"} if any(use.service == "Google sign-in" for use in used) else set()
    if any("bcrypt" in text for text in texts):
        found.add("password")
    return found


def _secrets(names: tuple[EnvironmentName, ...]) -> tuple[str, ...]:
    return tuple(sorted({item.name for item in names if item.kind == "os.environ"} - _SUPPLIED))


def _unknowns(
    checkout: Checkout, base: Inventory, records: tuple[RecordKind, ...], code: tuple[str, ...]
) -> list[Unknown]:
    found = []
    if records:
        why = f"no file says what fields the {len(records)} collections have: only the data does"
        found.append(Unknown(what="fields of the collections", why=why, hint="move the data from the live database"))
    computed = mongo.computed_count(checkout, code)
    if computed:
        why = f"code computes names of collections when it runs, in {computed} place{'' if computed == 1 else 's'}"
        found.append(Unknown(what="computed names of collections", why=why))
    secrets = _secrets(base.environment)
    if secrets:
        shown = ", ".join(secrets[:8]) + (f" and {len(secrets) - 8} more" if len(secrets) > 8 else "")  # noqa: PLR2004 - what fits a line
        why = f"the server reads names whose values are never in the sources ({len(secrets)}): {shown}"
        found.append(Unknown(what="secrets", why=why, hint="copy them from the builder's settings"))
    if not records and not base.servers and checkout.below("backend", suffixes=CODE_SUFFIXES):
        found.append(Unknown(what="the back end", why="the folder backend holds neither FastAPI nor MongoDB calls"))
    return found
