"""An inventory and a schema in a few rows of words, for terminals and pages."""

from collections.abc import Iterable, Iterator

from freehold.core.inventory import AppServer, EnvironmentName, Inventory
from freehold.flows.check_schema import Schema

SHOWN = 12
_PUBLIC_PREFIXES = ("VITE_", "NEXT_PUBLIC_", "REACT_APP_", "EXPO_PUBLIC_")


def inventory_rows(inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Name each kind of part with its count and first names; kinds that the app lacks are left out."""
    for name, parts in (
        (
            "Front end",
            [f"{item.framework} in {item.root or '.'} ({item.package_manager})" for item in inventory.frontends],
        ),
        ("Back end", _backends(inventory)),
        ("Pages", inventory.pages),
        ("Own server", [_server(item) for item in inventory.servers]),
        ("Other back ends", [f"{item.service} ({item.address})" for item in inventory.third_parties]),
        ("Entities", _records(inventory, "entity")),
        ("Collections", _records(inventory, "collection")),
        ("Tables in code", _records(inventory, "table")),
        ("Tables used", inventory.tables_used),
        ("SQL functions", inventory.rpcs_used),
        ("Buckets", inventory.buckets_used),
        ("Live tables", inventory.tables_subscribed),
        ("Functions", [item.name for item in inventory.functions]),
        ("Server functions", _served(inventory, "server function")),
        ("Server routes", _served(inventory, "server route")),
        ("Sign-in", inventory.sign_in_methods),
        ("AI calls", inventory.ai_endpoints),
        (
            "AI models",
            [f"{item.through} ({', '.join(item.models) or 'model not named'})" for item in inventory.ai_calls],
        ),
        ("Agents", [item.name for item in inventory.agents]),
        ("Connectors", [item.type for item in inventory.connectors]),
        ("Automations", [f"{item.name} ({item.detail})" for item in inventory.automations]),
        ("Secrets", _secrets(inventory)),
        (
            "Build names",
            sorted({item.name for item in inventory.environment if item.name.startswith(_PUBLIC_PREFIXES)}),
        ),
        ("Services", [f"{item.service} ({item.address})" for item in inventory.builder_services]),
        ("Old addresses", [item.address for item in inventory.builder_links]),
        ("Hosted files", [item.address for item in inventory.hosted_assets]),
        ("For phones", [item.kind for item in inventory.native_shells]),
        ("Breaks elsewhere", [item.what for item in inventory.breaks]),
    ):
        if parts:
            yield name, _counted(parts)
    if inventory.migrations:
        yield "Migrations", _first_and_last([item.version or item.path for item in inventory.migrations])


def schema_rows(schema: Schema) -> Iterator[tuple[str, str]]:
    """What the replay did, and what it is worth."""
    yield (
        "Replay",
        (
            f"{schema.files} migration file{'' if schema.files == 1 else 's'}: {schema.applied} statements applied, "
            f"{schema.replaced} left to the platform, {len(schema.failures)} failed"
        ),
    )
    if schema.causes:
        yield "Failed by", ", ".join(f"{count} {cause}" for cause, count in schema.causes.items())
    yield "Tables", _tables(schema)
    if schema.comparison and schema.comparison.missing_tables:
        yield "Missing", _counted(schema.comparison.missing_tables)
    if schema.reconstructed:
        yield "Reconstructed", _counted(schema.reconstructed)
    for item in schema.proposals[:SHOWN]:
        yield "Proposed", f"{item.kind} {item.name}: {item.why}"
    yield "Probe", f"acted as strangers on {schema.probed} tables, views, functions and buckets, and rolled back"
    yield "Fingerprint", schema.fingerprint[:16]


def _tables(schema: Schema) -> str:
    said = f"{schema.tables} in schema public"
    if schema.comparison is None:
        return f"{said}; no generated types to compare with"
    expected, missing = len(schema.comparison.tables), len(schema.comparison.missing_tables)
    return f"{said}; {expected - missing} of the {expected} in the builder's types were made by migrations"


def _backends(inventory: Inventory) -> list[str]:
    found = [inventory.backend.url or "address not in the sources"] if inventory.backend else []
    return found + [f"{item.url} (another project)" for item in inventory.other_backends]


def _server(item: AppServer) -> str:
    answers = f", answers {' '.join(item.paths)}" if item.application else ""
    return f"{item.framework} ({item.entry or item.root}, {item.routes} routes{answers})"


def _records(inventory: Inventory, kind: str) -> list[str]:
    found = [item for item in inventory.records if item.kind == kind]
    return [item.name if item.declared or kind == "collection" else f"{item.name} (inferred)" for item in found]


def _served(inventory: Inventory, kind: str) -> list[str]:
    """Name those that act with every right first: a reader wants to see them."""
    found = sorted(
        (item for item in inventory.server_functions if item.kind == kind), key=lambda item: not item.every_right
    )
    return [f"{item.name} (every right)" if item.every_right else item.name for item in found]


def _secrets(inventory: Inventory) -> list[str]:
    needed = {name for function in inventory.functions for name in function.secrets}
    known = inventory.started_server is not None or inventory.secrets
    own = {*inventory.secrets} if known else {item.name for item in inventory.environment if _is_server_name(item)}
    return sorted(needed | own)


def _is_server_name(item: EnvironmentName) -> bool:
    return item.kind in ("process.env", "os.environ") and not item.name.startswith(
        (*_PUBLIC_PREFIXES, "SUPABASE_", "BASE44_")
    )


def _first_and_last(versions: list[str]) -> str:
    """Their names are numbers and hashes: how many there are and from when to when says more."""
    count = f"{len(versions)} file{'' if len(versions) == 1 else 's'}"
    return f"{count}, {versions[0]} to {versions[-1]}" if len(versions) > 1 else f"{count}, {versions[0]}"


def _counted(parts: Iterable[str]) -> str:
    names = list(parts)
    shown = ", ".join(names[:SHOWN])
    return f"{len(names)}: {shown}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
