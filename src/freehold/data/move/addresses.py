"""The old platform's addresses in rows, functions and jobs: found always, rewritten when the owner asks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from freehold.data.move import decisions, ledger
from freehold.kit import postgres

HOSTED = r"https://[a-z0-9]{20}\.supabase\.(?:co|in)"
SIGNED = "%/storage/v1/object/sign/%token=%"
"""A signed address is bound to the old project's key: another host does not make it valid."""


_TYPES = {
    "text": "text", "character varying": "varchar", "json": "json", "jsonb": "jsonb", "text[]": "text[]",
    "character varying[]": "varchar[]",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where old addresses are: `kind` is column, function or job; `rows` of a column hold one."""

    kind: str
    place: str
    rows: int
    signed: int = 0


def scan(admin: postgres.Connection, given: str) -> tuple[Found, ...]:
    """Look through every text and json column, every function and every job. `given` is the app's old address."""
    pattern = re.escape(given.rstrip("/")) if given else HOSTED
    return (*_columns(admin, pattern), *_functions(admin, pattern), *_jobs(admin, pattern))


def rewrite(admin: postgres.Connection, app: postgres.Connection, found: Sequence[Found], old: str, new: str) -> int:
    """Put `new` in the place of `old`; gives how many rows, functions and jobs were changed. Signed addresses stay.

    The columns are kept with the move, because their rows are not the source's any more.
    """
    changed = 0
    columns = {item.place for item in found if item.kind == "column"}
    kept = ledger.setting(admin, "rewritten_columns")
    touched = columns | {str(item) for item in (kept if isinstance(kept, list) else [])}
    with admin.transaction():  # first of all: killed after it, a comparison knows what it cannot compare
        ledger.keep_setting(admin, "rewritten_columns", sorted(touched))
        ledger.keep_setting(admin, "old_address", old)
    for table, name, kind in _text_columns(admin):
        place = f"{table.as_string(admin)}.{name}"
        if place in columns:
            connection = admin if place.startswith('"auth".') else app
            changed += _rewrite_column(connection, _update(table, name, kind, old, new))
    changed += sum(_rewrite_function(app, item.place, old, new) for item in found if item.kind == "function")
    admin.execute("update cron.job set command = replace(command, %s, %s)", (old, new))
    return changed + sum(1 for item in found if item.kind == "job")


def _columns(admin: postgres.Connection, pattern: str) -> list[Found]:
    by_table: dict[str, tuple[sql.Identifier, list[str]]] = {}
    for table, name, _kind in _text_columns(admin):
        by_table.setdefault(table.as_string(admin), (table, []))[1].append(name)
    found = []
    for shown, (table, names) in by_table.items():
        counted = sql.SQL(", ").join(
            sql.SQL(
                "count(*) filter (where {0}::text ~ {1}),"
                " count(*) filter (where {0}::text ~ {1} and {0}::text like {2})"
            ).format(sql.Identifier(name), sql.Literal(pattern), sql.Literal(SIGNED))
            for name in names
        )
        row = admin.execute(sql.SQL("select {} from only {}").format(counted, table)).fetchone() or ()
        for place, name in enumerate(names):
            if rows := int(str(row[place * 2])):
                signed = int(str(row[place * 2 + 1]))
                found.append(Found(kind="column", place=f"{shown}.{name}", rows=rows, signed=signed))
    return found


def _text_columns(admin: postgres.Connection) -> list[tuple[sql.Identifier, str, str]]:
    rows = admin.execute(
        "select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)"
        "  from pg_catalog.pg_attribute as a join pg_catalog.pg_class as c on c.oid = a.attrelid"
        "  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''"
        "   and a.atttypid = any('{text,varchar,json,jsonb,text[],varchar[]}'::regtype[])"
        "   and (n.nspname <> all(%s) and n.nspname !~ '^(pg_|freehold|information_schema)'"
        "        or (n.nspname, c.relname, a.attname) = ('auth', 'users', 'raw_user_meta_data'))"
        " order by 1, 2, a.attnum",
        (sorted(decisions.OLD_PLATFORM),),
    ).fetchall()
    return [(sql.Identifier(str(row[0]), str(row[1])), str(row[2]), str(row[3])) for row in rows]


def _functions(admin: postgres.Connection, pattern: str) -> list[Found]:
    rows = admin.execute(
        "select p.oid::regprocedure::text from pg_catalog.pg_proc as p"
        "  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace"
        " where p.prokind in ('f', 'p') and n.nspname <> all(%s) and n.nspname !~ '^(pg_|freehold|information_schema)'"
        "   and pg_catalog.pg_get_functiondef(p.oid) ~ %s",
        (sorted(decisions.OLD_PLATFORM), pattern),
    ).fetchall()
    return [Found(kind="function", place=str(row[0]), rows=1) for row in rows]


def _jobs(admin: postgres.Connection, pattern: str) -> list[Found]:
    rows = admin.execute(
        "select coalesce(jobname, 'job ' || jobid) from cron.job where command ~ %s", (pattern,)
    ).fetchall()
    return [Found(kind="job", place=str(row[0]), rows=1) for row in rows]


def _update(table: sql.Identifier, name: str, kind: str, old: str, new: str) -> sql.Composed:
    form = (
        "update only {} set {} = replace({}::text, {}, {})::{} where strpos({}::text, {}) > 0 and {}::text not like {}"
    )
    column = sql.Identifier(name)
    return sql.SQL(form).format(
        table, column, column, sql.Literal(old), sql.Literal(new), sql.SQL(_TYPES[kind.split("(", maxsplit=1)[0]]),
        column, sql.Literal(old), column, sql.Literal(SIGNED),
    )  # fmt: skip


def _rewrite_column(connection: postgres.Connection, statement: sql.Composed) -> int:
    """Without triggers: an updated_at must not say that the app changed its rows."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(statement)
        return cursor.rowcount


def _rewrite_function(app: postgres.Connection, name: str, old: str, new: str) -> int:
    try:
        with app.transaction():
            row = app.execute("select pg_catalog.pg_get_functiondef(%s::regprocedure)", (name,)).fetchone()
            app.execute(str(row[0] if row else "").replace(old, new).encode())
    except psycopg.Error:
        return 0  # it stays in the report: the next scan finds it again
    return 1
