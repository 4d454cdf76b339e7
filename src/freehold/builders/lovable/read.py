"""Read a Lovable app into an inventory."""

from freehold.builders.lovable import services
from freehold.builders.lovable.generation import generation, is_server_rendered
from freehold.builders.lovable.recognise import NAME
from freehold.builders.shared import (
    addresses,
    ai,
    breaks,
    confirmations,
    environment,
    hand_run,
    leftovers,
    native,
    package,
    python,
    routes,
    schema,
    servers,
    supabase_project,
    tanstack,
    third_parties,
    usage,
)
from freehold.builders.shared import (
    services as shared_services,
)
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout, open_checkout
from freehold.builders.shared.unknowns import unknowns
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.inventory import (
    AppServer,
    EdgeFunction,
    EnvironmentName,
    Frontend,
    Inventory,
    Place,
    ServiceUse,
    Unknown,
)

BAKED = ("VITE_",)


def read(app: App) -> Inventory:
    """Read everything that stands in the sources. Raises NotAnApp when there is no package.json to build from."""
    checkout = open_checkout(app)
    found = package.packages(checkout)
    if not found:
        raise NotAnApp(f"{app.name} has no package.json", detail="looked in the root, frontend, client, web and app")
    main = found[0]
    name = generation(checkout, main)
    code = checkout.below("", suffixes=CODE_SUFFIXES)
    texts = shared_services.text_files(checkout)
    written, setting_unknowns = supabase_project.settings(checkout)
    settings, confirmed = confirmations.with_confirmations(written, checkout, code)
    functions = supabase_project.functions(checkout, settings)
    names = _environment(checkout, code, tuple(function.name for function in functions))
    backends = addresses.backends(checkout, [item.name for item in names if not item.function], BAKED)
    used = usage.scan(checkout, tuple(path for path in code if not path.endswith("supabase/types.ts")))
    numbered = schema.migrations(checkout)
    by_hand = () if numbered else hand_run.files(checkout, used.tables)
    migrations = numbered or by_hand
    used_services = _builder_services(checkout, texts, main, functions)
    links = shared_services.uses(checkout, texts, services.LINKS)
    assets = shared_services.hosted_assets(checkout, texts, services.ASSETS)
    own = servers.servers(checkout, found)
    needed = tanstack.secrets(names) if is_server_rendered(name) else _server_secrets(checkout, own)
    return Inventory(
        builder=NAME,
        generation=name,
        frontends=(_frontend(checkout, main, name),),
        backend=backends[0] if backends else None,
        other_backends=backends[1:],
        environment=names,
        functions=functions,
        migrations=migrations,
        pages=routes.pages(checkout, main.folder),
        tables_used=used.tables,
        rpcs_used=used.rpcs,
        buckets_used=used.buckets,
        tables_subscribed=used.subscribed,
        sign_in_methods=used.sign_in,
        ai_endpoints=shared_services.ai_endpoints(checkout, code),
        ai_calls=ai.calls(checkout, code),
        servers=own,
        server_functions=tanstack.server_functions(checkout, main.folder) if is_server_rendered(name) else (),
        secrets=needed,
        third_parties=third_parties.third_parties(checkout, found),
        native_shells=native.shells(checkout, found),
        breaks=(
            *breaks.of_services(used_services, services.ANSWERS),
            *breaks.of_assets(assets, "Lovable"),
            *breaks.of_links(links, "Lovable"),
            *leftovers.leftovers(checkout, NAME),
        ),
        unknowns=(
            *setting_unknowns,
            *confirmed,
            *unknowns(checkout, used, migrations, functions),
            *hand_run.unknowns(by_hand),
            *tanstack.unknowns(needed),
            *_mail(functions),
        ),
        published_keys=addresses.published_keys(checkout),
        builder_services=used_services,
        builder_links=links,
        hosted_assets=assets,
        builder_hosts=services.HOSTS,
        package_mirrors=services.PACKAGE_MIRRORS,
        client_versions={item: main.dependencies[item] for item in services.CLIENTS if item in main.dependencies},
        settings=supabase_project.without_defaults(settings),
    )


def _server_secrets(checkout: Checkout, own: tuple[AppServer, ...]) -> tuple[str, ...]:
    started = next((server for server in own if server.application), None)
    return python.secrets(checkout, started.root) if started is not None else ()


def _frontend(checkout: Checkout, main: package.Package, name: str) -> Frontend:
    manager, lock = package.lock_of(checkout, main)
    server = is_server_rendered(name)
    return Frontend(
        root=main.folder,
        package_manager=manager,
        lock_file=lock,
        framework="tanstack-start" if server else "vite-spa",
        build_command=(manager, "run", "build"),
        output=".output" if server else package.vite_output(checkout, main),
        server=server,
        environment_prefixes=BAKED,
    )


def _environment(checkout: Checkout, code: tuple[str, ...], functions: tuple[str, ...]) -> tuple[EnvironmentName, ...]:
    folders = {name: f"supabase/functions/{name}/" for name in functions}
    front = tuple(path for path in code if not path.startswith("supabase/functions/"))
    found = [*environment.scan(checkout, front)]
    for name, folder in folders.items():
        found += environment.scan(checkout, tuple(path for path in code if path.startswith(folder)), name)
    found += environment.scan(checkout, checkout.below("supabase/functions/_shared", suffixes=CODE_SUFFIXES), "_shared")
    return tuple(found)


def _builder_services(
    checkout: Checkout, texts: tuple[str, ...], main: package.Package, functions: tuple[EdgeFunction, ...]
) -> tuple[ServiceUse, ...]:
    """Read addresses in texts, packages of package.json, and packages that functions import by themselves."""
    named = shared_services.uses(checkout, texts, services.SERVICES)
    packages = [
        ServiceUse(service=service, address=f"package {name}")
        for name, service in services.PACKAGES.items()
        if name in main.dependencies
    ]
    imported: dict[str, list[Place]] = {}
    for function in functions:
        for item in function.imports:
            match = services.IMPORTED.search(item)
            if match and match[1] in services.PACKAGES:
                imported.setdefault(match[1], []).append(Place(path=function.entry, line=1))
    in_functions = [
        ServiceUse(service=services.PACKAGES[name], address=f"package {name}", places=tuple(places))
        for name, places in sorted(imported.items())
        if name not in main.dependencies
    ]
    return (*named, *packages, *in_functions)


def _mail(functions: tuple[EdgeFunction, ...]) -> tuple[Unknown, ...]:
    """Say what Lovable adds to its mail queue where no migration shows it."""
    if not any(function.name == services.MAIL_QUEUE for function in functions):
        return ()
    why = (
        f"the job that calls {services.MAIL_QUEUE} and the key it calls with are made outside the migrations, so a "
        "schema from them alone sends no mail"
    )
    return (Unknown(what="the mail queue's job", why=why, hint="make both again where the app runs"),)
