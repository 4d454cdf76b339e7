"""What ran in this database, kept where the app's own SQL cannot write."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg

from freehold.core.errors import DatabaseUnavailable
from freehold.core.inventory import MigrationFile
from freehold.data import closing
from freehold.data.closing import Closing
from freehold.data.migrations.decisions import Database
from freehold.data.migrations.segments import FilePlan, Planned, Segment
from freehold.data.migrations.window import Existing
from freehold.kit import postgres

LOCK_WAIT_SECONDS = 600
_LOCK_PAUSE_SECONDS = 0.1
_LOCK = 0x6D69677261746521
_EXISTING = """
select case c.relkind when 'S' then 'sequence' when 'c' then 'type' else 'table' end, n.nspname, c.relname, null
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'function', n.nspname, p.proname, null
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'policy', n.nspname, c.relname, p.polname
  from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
union all
select 'trigger', n.nspname, c.relname, t.tgname
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not t.tgisinternal
union all
select 'type', n.nspname, t.typname, null
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
 where t.typtype in ('e', 'd') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'column', n.nspname, c.relname, a.attname
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f')
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""


@dataclass(frozen=True)
class Entry:
    """One file as the ledger has it; `done` maps the numbers of its committed statements to their hashes."""

    path: str
    version: str
    sha256: str
    status: str
    done: dict[int, str]


def content_hash(file: MigrationFile) -> str:
    """A file's identity: its text without byte order mark, line ends as Unix has them."""
    text = file.sql.removeprefix("\ufeff").replace("\r\n", "\n")
    return hashlib.sha256(text.encode()).hexdigest()


def lock(admin: postgres.Connection) -> None:
    """Wait until no other run migrates this database; the lock ends with the connection. Raises DatabaseUnavailable.

    Asking again and again, because a session that waits inside PostgreSQL holds up CREATE INDEX CONCURRENTLY in the
    run that it waits for.
    """
    for _ in range(round(LOCK_WAIT_SECONDS / _LOCK_PAUSE_SECONDS)):
        row = admin.execute("select pg_catalog.pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(_LOCK_PAUSE_SECONDS)
    raise DatabaseUnavailable(
        f"another run has been migrating this database for {LOCK_WAIT_SECONDS // 60} minutes",
        hint="wait for it, or end it, then run the same command again",
    )


def read(admin: postgres.Connection) -> dict[str, Entry]:
    """Every file that was begun here, by path, in the order in which they ran."""
    done: dict[str, dict[int, str]] = {}
    rows = admin.execute(
        "select path, number, sha256 from freehold.migration_statements where outcome <> 'failed'"
    ).fetchall()
    for path, number, digest in rows:
        done.setdefault(str(path), {})[int(str(number))] = str(digest)
    files = admin.execute(
        "select path, version, sha256, status from freehold.migration_files order by position"
    ).fetchall()
    return {
        str(path): Entry(str(path), str(version), str(digest), str(status), done.get(str(path), {}))
        for path, version, digest, status in files
    }


def existing(admin: postgres.Connection) -> Existing:
    """What is there before a migration: tables, views, functions, policies, triggers, types and sequences."""
    rows = admin.execute(_EXISTING).fetchall()
    return Existing(frozenset(tuple(str(part) for part in row if part is not None) for row in rows))


def position(admin: postgres.Connection) -> int:
    """The newest place in the ledger that was taken, by a file or by a change of an entity; 0 while nothing ran."""
    row = admin.execute(closing.POSITION).fetchone()
    return int(str(row[0])) if row else 0


def keep_window(admin: postgres.Connection, path: str, closings: Sequence[Closing], accepted_by: str) -> None:
    """Write down what a file closes, before it runs; it counts as soon as any of it ran."""
    admin.execute(
        "insert into freehold.migration_windows (path, closings, accepted_by) values (%s, %s, %s)"
        " on conflict (path) do update set closings = excluded.closings, accepted_by = excluded.accepted_by,"
        " judged_at = now()",
        (path, json.dumps([asdict(item) for item in closings]), accepted_by),
    )


def describe(admin: postgres.Connection) -> Database:
    """What decisions depend on."""
    owner = admin.execute("select owner from freehold.installation").fetchone()
    installed = admin.execute("select extname from pg_catalog.pg_extension").fetchall()
    available = admin.execute("select name from pg_catalog.pg_available_extensions").fetchall()
    return Database(
        owner=str(owner[0]) if owner else "postgres",
        installed=frozenset(str(row[0]) for row in installed),
        available=frozenset(str(row[0]) for row in available),
    )


def begin(admin: postgres.Connection, plan: FilePlan, remaining: Sequence[Segment]) -> None:
    """Prepare a file: its row, the statements for other roles, and what each transaction will record about itself."""
    with admin.transaction():
        admin.execute("delete from freehold.approved")
        admin.execute(
            "insert into freehold.migration_files (version, path, sha256, status) values (%s, %s, %s, 'running')"
            " on conflict (path) do update set sha256 = excluded.sha256, status = 'running', started_at = now()",
            (plan.file.version, plan.file.path, content_hash(plan.file)),
        )
        admin.execute(
            "delete from freehold.migration_statements where path = %s and outcome = 'failed'", (plan.file.path,)
        )
        for item in plan.approved:
            admin.execute(
                "insert into freehold.approved (token, kind, statement, path) values (%s, %s, %s, %s)",
                (item.token, item.role, item.text, plan.file.path),
            )
        for segment in remaining:
            admin.execute(
                "insert into freehold.approved (token, kind, entries, path, closes) values (%s, 'ledger', %s, %s, %s)",
                (segment.token, _entries(segment), plan.file.path, segment is remaining[-1]),
            )


def close_empty(admin: postgres.Connection, path: str) -> None:
    """Mark a file applied in which nothing is left to run."""
    admin.execute(
        "update freehold.migration_files set status = 'applied', finished_at = now() where path = %s", (path,)
    )


def fail(admin: postgres.Connection, path: str, item: Planned, error: psycopg.Error) -> None:
    """Record which statement was refused and why."""
    with admin.transaction():
        admin.execute("update freehold.migration_files set status = 'failed' where path = %s", (path,))
        admin.execute(
            "insert into freehold.migration_statements"
            " (path, number, line, kind, sha256, outcome, note, role, sqlstate, message)"
            " values (%s, %s, %s, %s, %s, 'failed', %s, %s, %s, %s) on conflict (path, number) do nothing",
            (
                path,
                item.number,
                item.statement.line,
                item.statement.kind,
                item.statement.sha256,
                item.note,
                item.role,
                error.sqlstate,
                error.diag.message_primary or "",
            ),
        )


def finish(admin: postgres.Connection) -> None:
    """Withdraw what was prepared and tell the REST API to read the schema again."""
    admin.execute("delete from freehold.approved")
    admin.execute("select pg_catalog.pg_notify('pgrst', 'reload schema')")


def _entries(segment: Segment) -> str:
    return json.dumps(
        [
            {
                "number": item.number,
                "line": item.statement.line,
                "kind": item.statement.kind,
                "sha256": item.statement.sha256,
                "outcome": item.outcome,
                "note": item.note,
                "role": item.role,
            }
            for item in segment.planned
        ]
    )
