"""Replay everything that an app's migrations ever said, into an empty database, and call the result baseline 0."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import DatabaseUnfit
from freehold.core.event import Event
from freehold.core.inventory import Inventory, Unknown
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.schema import circles, files, fingerprint, record
from freehold.data.schema.circles import SetAside
from freehold.data.schema.fingerprint import Fingerprint
from freehold.data.schema.record import Entry
from freehold.data.schema.session import Session
from freehold.data.schema.trial import Trial
from freehold.kit import postgres

_OCCUPIED = """
select 'relation ' || n.nspname || '.' || c.relname
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
   and not exists (select from pg_catalog.pg_depend as d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
union all select 'migration ' || path from freehold.migration_files
union all select 'baseline ' || number::text from freehold.baselines
union all (select 'user ' || id::text from auth.users limit 1)
 limit 5
"""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay did. `entries` has every statement of every file, in the order of the files."""

    entries: tuple[Entry, ...]
    fingerprint: Fingerprint
    files: tuple[str, ...]
    deleted: tuple[str, ...] = ()
    """Those of `files` that only git's history has."""
    set_aside: tuple[SetAside, ...] = ()
    """Policies that PostgreSQL could not evaluate."""
    unknowns: tuple[Unknown, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Entry, ...]:
        """The statements that did not run."""
        return tuple(entry for entry in self.entries if entry.outcome == "failed")

    @property
    def causes(self) -> dict[str, int]:
        """How many statements failed, by cause, the most frequent first."""
        return dict(Counter(entry.cause for entry in self.failed).most_common())


def replay(app_root: Path, inventory: Inventory, *, owner_dsn: Secret, admin_dsn: Secret, report: Report) -> Replay:
    """Run the union of all migrations statement by statement, and record ledger, fingerprint and baseline 0.

    The database has the platform and nothing of the app; anything else is refused with DatabaseUnfit, and nothing is
    changed. The app's SQL runs as the owner role only. Afterwards `migrations.migrate` runs what is newer.
    """
    started = time.monotonic()
    found = files.union(app_root, inventory)
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        _refuse_unless_empty(admin)
        with Session(owner_dsn) as session, Session(owner_dsn) as second:
            entries = Trial(admin, session, second, ledger.describe(admin)).run(found.files)
        aside = circles.set_aside(admin)
        taken = fingerprint.take(admin)
        unknowns = (*found.unknowns, *_unknowns(entries, aside))
        record.write(admin, found, entries, taken, unknowns)
    outcome = Replay(
        entries=entries,
        fingerprint=taken,
        files=tuple(file.path for file in found.files),
        deleted=found.deleted,
        set_aside=aside,
        unknowns=unknowns,
        seconds=time.monotonic() - started,
    )
    _tell(outcome, report)
    return outcome


def is_recorded(admin_dsn: Secret) -> bool:
    """Say whether this database's schema has its baseline already."""
    with postgres.connect(admin_dsn) as admin:
        return admin.execute("select from freehold.baselines limit 1").fetchone() is not None


def is_occupied(admin_dsn: Secret) -> bool:
    """Say whether a database has something in it that a replay would refuse."""
    with postgres.connect(admin_dsn) as admin:
        return admin.execute(_OCCUPIED).fetchone() is not None


def _refuse_unless_empty(admin: postgres.Connection) -> None:
    occupied = [str(row[0]) for row in admin.execute(_OCCUPIED).fetchall()]
    if occupied:
        raise DatabaseUnfit(
            "history is replayed into an empty database only, and this one has something in it",
            detail="\n".join(occupied),
            hint="give an empty database; an existing one keeps its schema and goes on from there",
        )


def _unknowns(entries: Sequence[Entry], aside: Sequence[SetAside]) -> Iterable[Unknown]:
    failed = [entry for entry in entries if entry.outcome == "failed"]
    if failed:
        counted = ", ".join(f"{count} {cause}" for cause, count in Counter(item.cause for item in failed).most_common())
        yield Unknown(
            what="statements that did not run",
            why=f"{len(failed)} of {len(entries)} statements of the migrations failed: {counted}",
            hint="compare with the live database before real data is served",
        )
    rules = [entry for entry in failed if entry.kind in {"create_policy", "alter_policy", "drop", "grant", "do"}]
    if rules:
        yield Unknown(
            what="access rules",
            why=f"{len(rules)} of them make or remove policies and rights, so those of the live database may differ",
            hint="take the rules from the live database",
        )
    if aside:
        named = ", ".join(f'"{item.policy}" on {item.table}' for item in aside)
        yield Unknown(
            what="policies that ask themselves",
            why=f"PostgreSQL refuses every request that meets them (42P17), so they were set aside: {named}",
            hint="take the rules from the live database, which cannot have them like this",
        )


def _tell(outcome: Replay, report: Report) -> None:
    counts = Counter(entry.outcome for entry in outcome.entries)
    report(
        Event(
            name="schema-replayed",
            text=f"replayed {len(outcome.files)} files: {counts['applied']} statements applied, "
            f"{counts['replaced']} left to the platform, {counts['failed']} failed",
            values={
                "files": len(outcome.files),
                "deleted": len(outcome.deleted),
                "applied": counts["applied"],
                "replaced": counts["replaced"],
                "failed": counts["failed"],
                "causes": outcome.causes,
                "fingerprint": outcome.fingerprint.sha256,
                "duration_ms": round(outcome.seconds * 1000),
            },
        )
    )
