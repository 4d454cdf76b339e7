"""Foreign keys that the database has: what is to be added is told by them."""

from freehold.kit import postgres

_LINKS = """
select c.relname, r.relname,
       array(select a.attname::text from unnest(k.conkey) with ordinality as u(number, place)
               join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.number order by u.place)
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as c on c.oid = k.conrelid
  join pg_catalog.pg_class as r on r.oid = k.confrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where k.contype = 'f' and n.nspname = %s
"""
Link = tuple[str, str, tuple[str, ...]]
"""The table, the one that it refers to, and the columns that do."""


def there(admin: postgres.Connection, schema: str) -> frozenset[Link]:
    """Give those of one schema."""
    return frozenset(
        (str(table), str(other), tuple(columns))
        for table, other, columns in admin.execute(_LINKS, (schema,)).fetchall()
    )
