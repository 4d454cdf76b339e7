"""CREATE INDEX CONCURRENTLY after an interruption.

A build that was ended leaves an invalid index under its name, which IF NOT EXISTS then keeps for good.
"""

from psycopg import sql

from freehold.data.migrations.statements import Statement
from freehold.kit import postgres

_FIND = """
select n.nspname, i.indisvalid
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relname operator(pg_catalog.=) %s
   and i.indrelid operator(pg_catalog.=) pg_catalog.to_regclass(%s)
"""


def is_done(owner: postgres.Connection, statement: Statement, *, resumed: bool) -> bool:
    """Say whether an earlier run built this index; an invalid one is removed first."""
    if statement.kind != "index" or not statement.node.idxname:
        return False
    relation = statement.node.relation
    parts = [part for part in (relation.schemaname, relation.relname) if part]
    table = sql.Identifier(*parts).as_string(owner)
    row = owner.execute(_FIND, (statement.node.idxname, table)).fetchone()
    if row is None:
        return False
    if row[1]:
        return resumed
    owner.execute(sql.SQL("drop index concurrently {}").format(sql.Identifier(str(row[0]), statement.node.idxname)))
    return False
