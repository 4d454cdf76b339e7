"""What all apps on a Supabase project have in common, whichever builder made them."""

from dataclasses import replace

from freehold.builders.shared import (
    addresses,
    ai,
    confirmations,
    environment,
    hand_run,
    native,
    python,
    schema,
    servers,
    services,
    supabase_project,
    third_parties,
    usage,
)
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout
from freehold.builders.shared.package import Package
from freehold.builders.shared.unknowns import unknowns
from freehold.core.inventory import EnvironmentName, Frontend, Inventory, MigrationFile

FUNCTIONS = "supabase/functions"
_CLIENTS = ("@supabase/supabase-js", "@supabase/ssr", "next", "expo", "vite", "react")


def inventory(  # noqa: PLR0913 - what tells one builder's apps from another's, each by name
    checkout: Checkout,
    *,
    builder: str,
    generation: str,
    packages: tuple[Package, ...],
    frontends: tuple[Frontend, ...],
    scripts: tuple[MigrationFile, ...] = (),
) -> Inventory:
    """Read the parts that do not depend on the builder; readers add what only they know with `replace`.

    `scripts` are SQL files that ran before the migrations of supabase/migrations.
    """
    code = sources(checkout)
    written, setting_unknowns = supabase_project.settings(checkout)
    settings, confirmed = confirmations.with_confirmations(written, checkout, code)
    functions = supabase_project.functions(checkout, settings)
    names = _environment(checkout, code, tuple(function.name for function in functions))
    prefixes = tuple(sorted({prefix for frontend in frontends for prefix in frontend.environment_prefixes}))
    backends = addresses.backends(checkout, [item.name for item in names if not item.function], prefixes)
    used = usage.scan(checkout, tuple(path for path in code if not path.endswith("supabase/types.ts")))
    numbered = (*scripts, *schema.migrations(checkout))
    by_hand = hand_run.files(checkout, used.tables) if backends and not numbered else ()
    migrations = numbered or by_hand
    base = Inventory(
        builder=builder,
        generation=generation,
        frontends=frontends,
        backend=backends[0] if backends else None,
        other_backends=backends[1:],
        environment=names,
        functions=functions,
        migrations=migrations,
        tables_used=used.tables,
        rpcs_used=used.rpcs,
        buckets_used=used.buckets,
        tables_subscribed=used.subscribed,
        sign_in_methods=used.sign_in,
        ai_endpoints=services.ai_endpoints(checkout, code),
        ai_calls=ai.calls(checkout, (*code, *python.files(checkout))),
        servers=servers.servers(checkout, packages),
        third_parties=third_parties.third_parties(checkout, packages),
        native_shells=native.shells(checkout, packages),
        unknowns=(
            *setting_unknowns,
            *confirmed,
            *(unknowns(checkout, used, migrations, functions) if backends else ()),
            *hand_run.unknowns(by_hand),
        ),
        secrets=environment.server_secrets(names) if any(item.server for item in frontends) else (),
        published_keys=addresses.published_keys(checkout),
        client_versions={
            name: package.dependencies[name]
            for package in reversed(packages)
            for name in _CLIENTS
            if name in package.dependencies
        },
        settings=supabase_project.without_defaults(settings),
    )
    started = base.started_server
    return replace(base, secrets=python.secrets(checkout, started.root)) if started is not None else base


def sources(checkout: Checkout) -> tuple[str, ...]:
    """List the app's JavaScript and TypeScript; a copy of the builder's disk that was committed does not count."""
    return tuple(path for path in checkout.below("", suffixes=CODE_SUFFIXES) if not path.startswith("home/project/"))


def _environment(checkout: Checkout, code: tuple[str, ...], functions: tuple[str, ...]) -> tuple[EnvironmentName, ...]:
    front = tuple(path for path in code if not path.startswith(f"{FUNCTIONS}/"))
    found = [*environment.scan(checkout, front)]
    for name in (*functions, "_shared"):
        folder = f"{FUNCTIONS}/{name}/"
        found += environment.scan(checkout, tuple(path for path in code if path.startswith(folder)), name)
    return (*found, *python.environment(checkout, python.files(checkout)))
