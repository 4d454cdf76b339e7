"""Unique keys that only upserts of code or functions name: without one PostgreSQL refuses each of them (42P10)."""

import hashlib
from collections.abc import Collection, Mapping

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.schema import bodies, fingerprint, record, stand_ins
from freehold.data.schema.session import Session
from freehold.data.schema.stand_ins import MARK_OF_QUERIES, QUERIES_PATH
from freehold.kit import postgres

_LACKING = """
select c.oid from pg_catalog.pg_class as c
 where c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind in ('r', 'p') and c.relname = %(table)s
   and (select count(*) from pg_catalog.pg_attribute as a
         where a.attrelid = c.oid and a.attname = any (%(columns)s) and not a.attisdropped) = %(count)s
   and not exists (
     select from pg_catalog.pg_index as i
      where i.indrelid = c.oid and i.indisunique and i.indpred is null and i.indnkeyatts = %(count)s
        and not exists (select from unnest(i.indkey[:i.indnkeyatts - 1]) as k
                         left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k
                        where a.attname is null or not a.attname = any (%(columns)s)))
"""


def add_keys(
    wanted: Mapping[str, Collection[tuple[str, ...]]], *, owner_dsn: Secret, admin_dsn: Secret, report: Report
) -> tuple[str, ...]:
    """Make the keys that upserts name and tables lack, marked and in the ledger; gives `table (columns)` of each.

    `wanted` are those of the app's code; those of the functions of `public` are read here.

    A table whose rows already break the key keeps its rows and gets none: that stands in the ledger as failed.
    """
    with postgres.connect(admin_dsn) as admin, Session(owner_dsn) as session:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        every = {table: {*keys} for table, keys in wanted.items()}
        for table, keys in bodies.conflicts(admin).items():
            every.setdefault(table, set()).update(keys)
        lacking = _lacking(admin, every)
        statements = [("index", _index(table, columns)) for table, columns in lacking]
        owner = ledger.describe(admin).owner
        entries = tuple(stand_ins.make(session, statements, owner=owner, path=QUERIES_PATH, mark=MARK_OF_QUERIES))
        if entries:
            digest = hashlib.sha256(repr(sorted(every)).encode()).hexdigest()
            record.add(admin, QUERIES_PATH, digest, entries, fingerprint.take(admin))
    made = tuple(
        f"{table} ({', '.join(columns)})"
        for (table, columns), entry in zip(lacking, entries, strict=True)
        if entry.outcome == "applied"
    )
    if made:
        report(Event(name="note", text=f"{len(made)} unique keys {MARK_OF_QUERIES}: {', '.join(made)}"))
    return made


def _index(table: str, columns: tuple[str, ...]) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("create unique index on {} ({})").format(sql.Identifier("public", table), listed)


def _lacking(
    admin: postgres.Connection, wanted: Mapping[str, Collection[tuple[str, ...]]]
) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for table, keys in sorted(wanted.items()):
        for columns in sorted(keys):
            asked = {"table": table, "columns": list(columns), "count": len(columns)}
            if admin.execute(_LACKING, asked).fetchone() is not None:
                found.append((table, columns))
    return found
