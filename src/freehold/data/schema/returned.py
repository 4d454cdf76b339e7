"""Types of stand-ins' columns as the app's own functions return them: names alone say less than a signature."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.migrations import ledger
from freehold.data.schema import bodies, fingerprint, record, relations, stand_ins
from freehold.data.schema.session import Session
from freehold.data.schema.stand_ins import MARK_OF_QUERIES, QUERIES_PATH
from freehold.kit import postgres

_FUNCTIONS = """
select p.prosrc, p.proargnames, p.proargmodes::text[],
       array(select pg_catalog.format_type(t, null) from unnest(p.proallargtypes) with ordinality as a(t, n) order by n)
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_language as l on l.oid = p.prolang
 where p.pronamespace = 'public'::pg_catalog.regnamespace and l.lanname in ('plpgsql', 'sql')
   and p.proargmodes && array['t', 'o']::"char"[] and p.proargnames is not null
"""
_ITEM = re.compile(
    r"(?:\bselect|,)\s*(?:distinct\s+)?(?:coalesce\(\s*)?(\w+)\.(\w+)(?:\s*,\s*[^\s,()]+\s*\))?"
    r"(?:\s+as\s+(\w+))?\s*(?=,|\bfrom\b)",
    re.IGNORECASE,
)
"""A column that a query gives as it is, or with another value in place of null."""


def suit(*, owner_dsn: Secret, admin_dsn: Secret, report: Report) -> tuple[str, ...]:
    """Give columns of stand-ins the types that functions return them as; gives `table.column: type` of each.

    What cannot be changed, because something depends on it or a row does not fit, stands in the ledger as failed.
    """
    with postgres.connect(admin_dsn) as admin, Session(owner_dsn) as session:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        wanted = _wanted(admin)
        statements = [("alter_table", _change(*place, kind)) for place, kind in wanted.items()]
        owner = ledger.describe(admin).owner
        entries = tuple(stand_ins.make(session, statements, owner=owner, path=QUERIES_PATH, mark=MARK_OF_QUERIES))
        if entries:
            digest = hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()
            record.add(admin, QUERIES_PATH, digest, entries, fingerprint.take(admin))
    made = tuple(
        f"{table}.{column}: {kind}"
        for ((table, column), kind), entry in zip(wanted.items(), entries, strict=True)
        if entry.outcome == "applied"
    )
    if made:
        report(Event(name="note", text=f"{len(made)} columns have the types that functions return them as"))
    return made


def types(functions: Collection[tuple[str, Mapping[str, str]]], tables: Collection[str]) -> dict[tuple[str, str], str]:
    """Give the type that most functions return a column as, by table and column. `functions` are body and signature."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for body, signature in functions:
        for table, column, name in _given(body, tables):
            if name in signature:
                found.setdefault((table, column), Counter())[signature[name]] += 1
    return {place: kinds.most_common(1)[0][0] for place, kinds in sorted(found.items())}


def _given(body: str, tables: Collection[str]) -> Iterator[tuple[str, str, str]]:
    code = bodies.code(body)
    meant = bodies.names(code, tables)
    for match in _ITEM.finditer(code):
        if match[1] in meant:
            yield meant[match[1]], match[2], match[3] or match[2]


def _wanted(admin: postgres.Connection) -> dict[tuple[str, str], str]:
    ours, there = stand_ins.tables(admin), relations.read(admin, "public").tables
    functions = [
        (str(body), {name: kind for name, mode, kind in zip(names, modes, kinds, strict=True) if mode in {"t", "o"}})
        for body, names, modes, kinds in admin.execute(_FUNCTIONS).fetchall()
    ]
    return {
        (table, column): kind
        for (table, column), kind in types(functions, ours).items()
        if column in there[table] and there[table][column].sql_type != kind
    }


def _change(table: str, column: str, kind: str) -> sql.Composed:
    return sql.SQL("alter table {} alter column {} type {} using ({}::text)::{}").format(
        sql.Identifier("public", table),
        sql.Identifier(column),
        sql.SQL(kind),
        sql.Identifier(column),
        sql.SQL(kind),
    )
