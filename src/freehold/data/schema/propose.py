"""What code relies on and no SQL makes: buckets that were clicked together, tables that were published by hand."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from freehold.core.inventory import Inventory
from freehold.core.secret import Secret
from freehold.data.migrations.decisions import PUBLICATION
from freehold.kit import postgres

_PUBLISHED = """
select t.tablename from pg_catalog.pg_publication_tables as t
 where t.pubname = %s and t.schemaname = 'public'
"""
_TABLES = """
select c.relname from pg_catalog.pg_class as c
 where c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind in ('r', 'p')
"""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`kind` is bucket or publication, `statement` what would make it. Nothing runs until the owner says so."""

    kind: str
    name: str
    statement: str
    why: str


def propose(inventory: Inventory, dsn: Secret) -> tuple[Proposal, ...]:
    """Hold what code uses against the database."""
    with postgres.connect(dsn) as connection:
        buckets = {str(row[0]) for row in connection.execute("select id from storage.buckets").fetchall()}
        published = {str(row[0]) for row in connection.execute(_PUBLISHED, (PUBLICATION,)).fetchall()}
        tables = {str(row[0]) for row in connection.execute(_TABLES).fetchall()}
    return (*_buckets(inventory, buckets), *_publications(inventory, tables, published))


def _buckets(inventory: Inventory, there: set[str]) -> Iterator[Proposal]:
    for name in inventory.buckets_used:
        if name in there:
            continue
        values = sql.SQL("insert into storage.buckets (id, name, public) values ({0}, {0}, false)")
        yield Proposal(
            kind="bucket",
            name=name,
            statement=values.format(sql.Literal(name)).as_string(),
            why="code uses the bucket and no migration creates it; closed until its public switch is known",
        )


def _publications(inventory: Inventory, tables: set[str], published: set[str]) -> Iterator[Proposal]:
    for name in inventory.tables_subscribed:
        if name not in tables or name in published:
            continue
        statement = sql.SQL("alter publication {} add table {}")
        yield Proposal(
            kind="publication",
            name=name,
            statement=statement.format(sql.Identifier(PUBLICATION), sql.Identifier("public", name)).as_string(),
            why="code subscribes to the table's changes and no migration publishes them",
        )
