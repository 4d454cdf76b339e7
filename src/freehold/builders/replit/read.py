"""Read an app of Replit's agent into an inventory."""

import re
from dataclasses import replace

from freehold.builders.replit import drizzle
from freehold.builders.replit import settings as replit_settings
from freehold.builders.replit.generation import generation
from freehold.builders.replit.recognise import NAME
from freehold.builders.replit.settings import Settings
from freehold.builders.shared import breaks, frontends, leftovers, routes, supabase_app
from freehold.builders.shared.checkout import Checkout, lines, open_checkout
from freehold.builders.shared.package import Package, packages
from freehold.builders.shared.third_parties import dependency_place
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import AppServer, EnvironmentName, Inventory, Place, RecordKind, ServiceUse, Unknown

HOSTS = ("replit.com", "replit.dev", "replit.app")
_IN_CODE = {
    "sign-in by Replit": re.compile(r"\bISSUER_URL\b|replit\.com/oidc"),
    "AI by Replit": re.compile(r"\bAI_INTEGRATIONS_\w+"),
    "connectors": re.compile(r"\bREPLIT_CONNECTORS_HOSTNAME\b"),
    "Neon's websocket driver": re.compile(r"[\"']@neondatabase/serverless[\"']|[\"']drizzle-orm/neon-serverless[\"']"),
    "object storage": re.compile(r"127\.0\.0\.1:1106|\bPRIVATE_OBJECT_DIR\b|\bPUBLIC_OBJECT_SEARCH_PATHS\b"),
}
_HINTS = ("ISSUER_URL", "replit.com/oidc", "AI_INTEGRATIONS_", "REPLIT_CONN", "neon", "127.0.0.1:1106", "_OBJECT_")
_PACKAGES = {
    "@replit/object-storage": "object storage",
    "@neondatabase/serverless": "Neon's websocket driver",
    "stripe-replit-sync": "connectors",
    "@replit/database": "Replit's key-value store",
}
_ANSWERS = {
    "sign-in by Replit": "an OpenID issuer of your own with the same claims, by ISSUER_URL, REPL_ID and REPLIT_DOMAINS",
    "AI by Replit": "your own provider with your own key, by AI_INTEGRATIONS_*_BASE_URL and _API_KEY",
    "connectors": "a service on the same machine that answers with your own keys",
    "object storage": "move the objects; a service on the same machine that signs addresses in your own store",
    "Neon's websocket driver": "it reaches no plain PostgreSQL: a bridge on the same machine, or a change of driver",
    "Replit's key-value store": "move the keys to a database of your own",
}
_SUPPLIED = re.compile(
    r"^(?:REPL(?:IT)?_\w*|WEB_REPL_RENEWAL|AI_INTEGRATIONS_\w+|DATABASE_URL|PG\w+|PORT|HOST|ISSUER_URL|SESSION_SECRET"
    r"|PRIVATE_OBJECT_DIR|PUBLIC_OBJECT_SEARCH_PATHS|DEFAULT_OBJECT_STORAGE_BUCKET_ID)$"
)
_SIGN_IN = {"passport-local": "password", "bcrypt": "password", "bcryptjs": "password", "passport-google-oauth20":
            "oauth:google", "@simplewebauthn/server": "passkey", "otplib": "mfa", "speakeasy": "mfa"}  # fmt: skip
_SHOWN = 8


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is no package.json to build from."""
    checkout = open_checkout(app)
    found = packages(checkout)
    main = frontends.main_package(found)
    if main is None:
        raise NotAnApp(f"{app.name} has no package.json", detail="looked in the root, frontend, client, web and app")
    settings = replit_settings.read(checkout)
    front = frontends.frontend(checkout, main)
    base = supabase_app.inventory(
        checkout, builder=NAME, generation=generation(checkout), packages=found, frontends=(front,) if front else ()
    )
    used = _services(checkout, found)
    records = drizzle.tables(checkout)
    return replace(
        base,
        pages=tuple(sorted({*routes.pages(checkout, main.folder), *routes.pages(checkout, "client")})),
        records=records,
        servers=_servers(base.servers, settings),
        secrets=_secrets(base.environment),
        sign_in_methods=tuple(sorted({*base.sign_in_methods, *_sign_in(found, used)})),
        builder_services=used,
        builder_hosts=HOSTS,
        settings={**base.settings, **({"replit": _said(settings)} if _said(settings) else {})},
        breaks=(*breaks.of_services(used, _ANSWERS), *leftovers.leftovers(checkout, NAME)),
        unknowns=(*base.unknowns, *_unknowns(base.environment, settings, records)),
        not_served="its own server is not started yet",
    )


def _services(checkout: Checkout, found: tuple[Package, ...]) -> tuple[ServiceUse, ...]:
    places: dict[tuple[str, str], list[Place]] = {}
    for path in supabase_app.sources(checkout):
        text = checkout.text(path)
        if not any(hint in text for hint in _HINTS):
            continue
        for service, pattern in _IN_CODE.items():
            for match in pattern.finditer(text):
                places.setdefault((service, match[0]), []).append(lines(text).place(path, match.start()))
    named = [
        ServiceUse(service=service, address=address, places=tuple(where))
        for (service, address), where in sorted(places.items())
    ]
    return (
        *named,
        *(
            ServiceUse(service=service, address=f"package {name}", places=(dependency_place(checkout, package, name),))
            for package in found
            for name, service in _PACKAGES.items()
            if name in package.dependencies
        ),
    )


def _servers(found: tuple[AppServer, ...], settings: Settings) -> tuple[AppServer, ...]:
    """Build and start the first server as the deployment says; what it does not say stays as package.json has it."""
    if not found:
        return ()
    first = replace(
        found[0],
        build_command=settings.build or found[0].build_command,
        start_command=settings.run or found[0].start_command,
        system_packages=settings.system_packages,
    )
    return (first, *found[1:])


def _sign_in(found: tuple[Package, ...], used: tuple[ServiceUse, ...]) -> set[str]:
    methods = {method for package in found for name, method in _SIGN_IN.items() if name in package.dependencies}
    return methods | ({"replit:oidc"} if any(use.service == "sign-in by Replit" for use in used) else set())


def _secrets(names: tuple[EnvironmentName, ...]) -> tuple[str, ...]:
    read_by_server = {item.name for item in names if item.kind in ("process.env", "os.environ") and not item.function}
    return tuple(sorted(name for name in read_by_server if not _SUPPLIED.match(name)))


def _said(settings: Settings) -> dict[str, object]:
    values = {
        "deployment": settings.deployment,
        "modules": list(settings.modules),
        "integrations": list(settings.integrations),
    }
    return {name: value for name, value in values.items() if value}


def _unknowns(names: tuple[EnvironmentName, ...], settings: Settings, records: tuple[RecordKind, ...]) -> list[Unknown]:
    found = []
    if records:
        why = "tables are pushed from code without migrations, so only the database knows what it looks like"
        found.append(Unknown(what="the schema", why=why, hint="move the data from the live database"))
    if settings.problem:
        found.append(Unknown(what=".replit", why=f"it is not valid TOML ({settings.problem})", hint="correct the file"))
    secrets = sorted(set(_secrets(names)) - set(settings.environment_names))
    if secrets:
        shown = ", ".join(secrets[:_SHOWN]) + (f" and {len(secrets) - _SHOWN} more" if len(secrets) > _SHOWN else "")
        why = f"the server reads names whose values are not in the sources ({len(secrets)}): {shown}"
        found.append(Unknown(what="secrets", why=why, hint="copy them from the builder's secrets"))
    if "object_storage" in settings.integrations:
        why = "which objects there are, and who may read each, only the store knows"
        found.append(Unknown(what="objects in the store", why=why, hint="they are counted when the data is moved"))
    return found
