-- The names behind the oids of tables that carry keys, and their columns.
select pg_catalog.json_build_object(
  'oid', c.oid::bigint,
  'schema', n.nspname,
  'name', c.relname,
  'columns', (
    select pg_catalog.json_object_agg(a.attnum, a.attname)
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  )
)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid in (
  select conrelid from pg_catalog.pg_constraint where contype in ('p', 'f')
  union
  select confrelid from pg_catalog.pg_constraint where contype = 'f'
)
