"""A replay in the ledger, and the baseline that later migrations go on from."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from freehold.core.inventory import Unknown
from freehold.data.migrations import ledger
from freehold.data.schema.files import Union
from freehold.data.schema.fingerprint import Fingerprint
from freehold.kit import postgres


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One statement of the ledger. `outcome` is applied, replaced (`note` says by what) or failed (`cause`)."""

    path: str
    number: int
    line: int
    kind: str
    sha256: str
    outcome: str
    role: str
    note: str = ""
    sqlstate: str = ""
    message: str = ""
    cause: str = ""
    attempts: int = 1


def write(
    admin: postgres.Connection,
    union: Union,
    entries: Sequence[Entry],
    taken: Fingerprint,
    unknowns: Sequence[Unknown],
) -> None:
    """Write all of it in one transaction: there is a baseline or there is none."""
    with admin.transaction(), admin.cursor() as cursor:
        rows = [(file.version, file.path, ledger.content_hash(file)) for file in (*union.files, *union.repeated)]
        cursor.executemany(
            "insert into freehold.migration_files (version, path, sha256, status, finished_at)"
            " values (%s, %s, %s, 'baseline', now())",
            rows,
        )
        _statements(admin, entries)
        cursor.execute(
            "insert into freehold.baselines (number, source, fingerprint, catalogue, unknowns)"
            " values (0, 'replay', %s, %s, %s)",
            (taken.sha256, taken.text, json.dumps([asdict(item) for item in unknowns])),
        )
        cursor.execute("select pg_catalog.pg_notify('pgrst', 'reload schema')")


def add(admin: postgres.Connection, path: str, digest: str, entries: Sequence[Entry], taken: Fingerprint) -> None:
    """Add statements that came from no file of the app, and take the fingerprint after them as the baseline's."""
    with admin.transaction():
        admin.execute(
            "insert into freehold.migration_files (version, path, sha256, status, finished_at)"
            " values ('', %s, %s, 'baseline', now()) on conflict (path) do update set sha256 = excluded.sha256",
            (path, digest),
        )
        before = admin.execute(_LAST, (path,)).fetchone()
        last = int(before[0]) if before else 0
        _statements(admin, [replace(entry, number=last + entry.number) for entry in entries])
        admin.execute(_RETAKE, (taken.sha256, taken.text))


_RETAKE = "update freehold.baselines set fingerprint = %s, catalogue = %s where number = 0"
_LAST = "select coalesce(max(number), 0) from freehold.migration_statements where path = %s"


def change(admin: postgres.Connection, entries: Sequence[Entry], taken: Fingerprint) -> None:
    """Record how statements that failed end now, and take the fingerprint after them as the baseline's."""
    with admin.transaction(), admin.cursor() as cursor:
        cursor.executemany(
            "update freehold.migration_statements"
            " set outcome = %s, note = %s, sqlstate = nullif(%s, ''), message = nullif(%s, ''), cause = %s"
            " where path = %s and number = %s",
            [
                (item.outcome, item.note, item.sqlstate, item.message, item.cause, item.path, item.number)
                for item in entries
            ],
        )
        cursor.execute(_RETAKE, (taken.sha256, taken.text))
        cursor.execute("select pg_catalog.pg_notify('pgrst', 'reload schema')")


_COLUMNS = "path, number, line, kind, sha256, outcome, note, role, sqlstate, message, cause, attempts"


def _statements(admin: postgres.Connection, entries: Sequence[Entry]) -> None:
    with (
        admin.cursor() as cursor,
        cursor.copy(f"copy freehold.migration_statements ({_COLUMNS}) from stdin") as copy,
    ):
        for entry in entries:
            copy.write_row([getattr(entry, name) or _EMPTY.get(name, "") for name in _COLUMNS.split(", ")])


_EMPTY = {"sqlstate": None, "message": None}
