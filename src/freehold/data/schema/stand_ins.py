"""Statements that Freehold makes itself, for what no SQL of the app says: run as the owner role, marked, recorded."""

import hashlib
from collections.abc import Iterator, Sequence

from psycopg import sql

from freehold.data.schema.record import Entry
from freehold.data.schema.session import Session
from freehold.kit import postgres

MARK = "reconstructed by Freehold from types.ts"
LEDGER_PATH = "types.ts"
MARK_OF_QUERIES = "made by Freehold from the app's queries"
QUERIES_PATH = "queries"
_MARKED = """
select c.relname from pg_catalog.pg_class as c
  join pg_catalog.pg_description as d
    on d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objoid = c.oid and d.objsubid = 0
 where c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind = 'r' and d.description = any (%s)
"""


def tables(admin: postgres.Connection) -> frozenset[str]:
    """Give the tables of `public` that were made without SQL of the app."""
    return frozenset(str(row[0]) for row in admin.execute(_MARKED, ([MARK, MARK_OF_QUERIES],)).fetchall())


def make(
    session: Session, statements: Sequence[tuple[str, sql.Composed]], *, owner: str, path: str, mark: str
) -> Iterator[Entry]:
    """Run statements, each with its kind; gives their entries. `owner` is the role of the session."""
    for number, (kind, statement) in enumerate(statements, start=1):
        text = statement.as_string()
        failure = session.run(text, kind=kind)
        yield Entry(
            path=path,
            number=number,
            line=number,
            kind=kind,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            outcome="failed" if failure else "applied",
            role=owner,
            note=mark,
            sqlstate=failure.sqlstate if failure else "",
            message=failure.message if failure else "",
            cause=failure.cause if failure else "",
        )
