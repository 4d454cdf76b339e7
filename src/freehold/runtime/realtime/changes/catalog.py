"""Facts about tables that decide who may hear of their changes; never kept from one batch to the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

import orjson

from freehold.runtime.database import Pool

_SQL = resources.files("freehold.runtime.realtime.changes").joinpath("catalog.sql").read_text()
_NAMED = """
select c.oid::text from pg_catalog.pg_publication_tables as p
  join pg_catalog.pg_namespace as n on n.nspname = p.schemaname
  join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = p.tablename
 where p.pubname = 'supabase_realtime' and ($1 = '*' or p.schemaname = $1) and ($2 = '*' or p.tablename = $2)
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `base` is a domain's base type; `element` the element type of an array; `sql_type` is for casts."""

    name: str
    type_name: str
    base: str
    element: str
    is_key: bool
    sql_type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and which columns each role may select; a role that is not there may nothing."""

    oid: int
    schema: str
    name: str
    has_row_security: bool
    columns: tuple[Column, ...]
    selectable: dict[str, frozenset[str]]

    @property
    def keys(self) -> tuple[Column, ...]:
        """The primary key's columns."""
        return tuple(column for column in self.columns if column.is_key)


async def tables(pool: Pool, oids: Iterable[int], roles: Iterable[str]) -> dict[int, Table]:
    """Read what is true now; a table that is gone is missing."""
    parameters = (array(map(str, oids)), array(roles))
    (result,) = await pool.run([(_SQL, parameters)])
    found = {}
    for oid, schema, name, secured, columns, rights in result.rows:
        table = Table(
            int(oid or 0),
            (schema or b"").decode(),
            (name or b"").decode(),
            secured == b"t",
            tuple(Column(*values) for values in orjson.loads(columns or b"[]") or ()),
            {role: frozenset(names) for role, names in orjson.loads(rights or b"{}").items()},
        )
        found[table.oid] = table
    return found


async def published(pool: Pool, schema: str, table: str) -> list[int]:
    """Oids of the tables in publication supabase_realtime that these names, or `*`, mean."""
    (result,) = await pool.run([(_NAMED, (schema.encode(), table.encode()))])
    return [int(oid or 0) for (oid,) in result.rows]


def array(values: Iterable[str | None]) -> bytes:
    """PostgreSQL's text form of an array of texts."""
    quoted = (
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    )
    return ("{" + ",".join(quoted) + "}").encode()


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
