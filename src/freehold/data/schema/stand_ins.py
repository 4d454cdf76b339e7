"""Statements that Freehold makes itself, for what no SQL of the app says: run as the owner role, marked, recorded."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from psycopg import sql

from freehold.data.schema.record import Entry
from freehold.data.schema.session import Session
from freehold.kit import postgres

MARK = "reconstructed by Freehold from types.ts"
LEDGER_PATH = "types.ts"
MARK_OF_QUERIES = "made by Freehold from the app's queries"
QUERIES_PATH = "queries"
_MADE = """
select c.relname from freehold.migration_statements as s
  join pg_catalog.pg_class as c on s.note in (%(types)s || ': ' || c.relname, %(queries)s || ': ' || c.relname)
 where s.kind = 'create' and s.outcome = 'applied'
   and c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind = 'r'
"""
_CREATED = re.compile(r'create table "public"\."((?:[^"]|"")+)"')


def tables(admin: postgres.Connection) -> frozenset[str]:
    """Give the tables of `public` that were made without SQL of the app, by the ledger.

    Their comments say it as well, until the app's own history writes others.
    """
    asked = {"types": MARK, "queries": MARK_OF_QUERIES}
    return frozenset(str(row[0]) for row in admin.execute(_MADE, asked).fetchall())


def make(
    session: Session, statements: Sequence[tuple[str, sql.Composed]], *, owner: str, path: str, mark: str
) -> Iterator[Entry]:
    """Run statements, each with its kind; gives their entries. `owner` is the role of the session."""
    for number, (kind, statement) in enumerate(statements, start=1):
        text = statement.as_string()
        failure = session.run(text, kind=kind)
        created = _CREATED.match(text)
        yield Entry(
            path=path,
            number=number,
            line=number,
            kind=kind,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            outcome="failed" if failure else "applied",
            role=owner,
            note=_note(mark, created[1]) if created else mark,
            sqlstate=failure.sqlstate if failure else "",
            message=failure.message if failure else "",
            cause=failure.cause if failure else "",
        )


def _note(mark: str, quoted: str) -> str:
    name = quoted.replace('""', '"')
    return f"{mark}: {name}"
