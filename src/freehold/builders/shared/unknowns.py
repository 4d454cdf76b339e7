"""What the sources of a Supabase-shaped app cannot tell."""

from freehold.builders.shared import schema
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.usage import Usage
from freehold.core.inventory import EdgeFunction, MigrationFile, Unknown

_LIVE = "move the data from the live project, or answer by hand"
_SHOWN = 8


def unknowns(
    checkout: Checkout, used: Usage, migrations: tuple[MigrationFile, ...], functions: tuple[EdgeFunction, ...]
) -> tuple[Unknown, ...]:
    """Name what only the live project knows, as far as this app depends on it."""
    found = [*schema.migration_unknowns(checkout, migrations, used.tables)]
    found += _buckets(used, migrations)
    found += _publication(used, migrations)
    found += _jobs(migrations)
    secrets = sorted({name for function in functions for name in function.secrets})
    if secrets:
        why = f"functions read secrets whose values are never in the sources ({len(secrets)}): {_few(secrets)}"
        found.append(Unknown(what="secrets", why=why, hint="freehold secrets set NAME"))
    found += _computed(used)
    return tuple(found)


def _buckets(used: Usage, migrations: tuple[MigrationFile, ...]) -> list[Unknown]:
    missing = sorted(set(used.buckets) - schema.buckets_created(migrations))
    if not missing:
        return []
    why = f"code uses buckets that no migration creates, so whether they are public is not known: {_few(missing)}"
    return [Unknown(what="storage buckets", why=why, hint=_LIVE)]


def _publication(used: Usage, migrations: tuple[MigrationFile, ...]) -> list[Unknown]:
    published = schema.tables_published(migrations)
    missing = sorted(table for table in used.subscribed if table != "*" and table.lower() not in published)
    if not missing:
        return []
    why = f"code subscribes to tables that no migration publishes: {_few(missing)}"
    return [Unknown(what="realtime tables", why=why, hint=_LIVE)]


def _jobs(migrations: tuple[MigrationFile, ...]) -> list[Unknown]:
    text = "\n".join(file.sql.lower() for file in migrations)
    found = []
    if "pg_cron" in text or "cron.schedule" in text:
        why = "jobs may have been added or changed by hand; the sources show only those that migrations schedule"
        found.append(Unknown(what="scheduled jobs", why=why, hint=_LIVE))
    if "vault." in text or "supabase_vault" in text:
        why = "the migrations read the vault, whose values are never in the sources"
        found.append(Unknown(what="vault values", why=why, hint=_LIVE))
    return found


def _computed(used: Usage) -> list[Unknown]:
    kinds = {"table": "tables", "rpc": "database functions", "bucket": "buckets", "subscription": "subscriptions"}
    return [
        Unknown(
            what=f"computed names of {kinds[kind]}",
            why=f"code computes such names when it runs, in {count} place{'' if count == 1 else 's'}",
        )
        for kind, count in used.unnamed.items()
    ]


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
