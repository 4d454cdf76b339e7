"""An inventory and a schema in a few rows of words, for terminals and pages."""

from collections.abc import Iterable, Iterator

from freehold.core.inventory import EnvironmentName, Inventory
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
        ("Tables used", inventory.tables_used),
        ("SQL functions", inventory.rpcs_used),
        ("Buckets", inventory.buckets_used),
        ("Live tables", inventory.tables_subscribed),
        ("Functions", [item.name for item in inventory.functions]),
        ("Sign-in", inventory.sign_in_methods),
        ("AI calls", inventory.ai_endpoints),
        ("Secrets", _secrets(inventory)),
        (
            "Build names",
            sorted({item.name for item in inventory.environment if item.name.startswith(_PUBLIC_PREFIXES)}),
        ),
        ("Services", [f"{item.service} ({item.address})" for item in inventory.builder_services]),
        ("Old addresses", [item.address for item in inventory.builder_links]),
        ("Hosted files", [item.address for item in inventory.hosted_assets]),
        ("Migrations", [item.path.rsplit("/", 1)[-1] for item in inventory.migrations]),
    ):
        if parts:
            yield name, _counted(parts)


def schema_rows(schema: Schema) -> Iterator[tuple[str, str]]:
    """What the replay did, and what it is worth."""
    yield (
        "Replay",
        (
            f"{schema.files} migration files: {schema.applied} statements applied, "
            f"{schema.replaced} left to the platform, {len(schema.failures)} failed"
        ),
    )
    if schema.causes:
        yield "Failed by", ", ".join(f"{count} {cause}" for cause, count in schema.causes.items())
    yield "Tables", f"{schema.tables} in schema public"
    yield "Fingerprint", schema.fingerprint[:16]


def _backends(inventory: Inventory) -> list[str]:
    found = [inventory.backend.url or "address not in the sources"] if inventory.backend else []
    return found + [f"{item.url} (another project)" for item in inventory.other_backends]


def _secrets(inventory: Inventory) -> list[str]:
    needed = {name for function in inventory.functions for name in function.secrets}
    return sorted(needed | {item.name for item in inventory.environment if _is_server_name(item)})


def _is_server_name(item: EnvironmentName) -> bool:
    return item.kind == "process.env" and not item.name.startswith((*_PUBLIC_PREFIXES, "SUPABASE_"))


def _counted(parts: Iterable[str]) -> str:
    names = list(parts)
    shown = ", ".join(names[:SHOWN])
    return f"{len(names)}: {shown}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
