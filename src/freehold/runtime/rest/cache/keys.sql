-- Primary and foreign keys with the numbers of their columns, for tracing views to tables.
select pg_catalog.json_build_object(
  'name', con.conname,
  'kind', con.contype,
  'table', con.conrelid::bigint,
  'columns', con.conkey,
  'foreign', con.confrelid::bigint,
  'foreign_columns', con.confkey
)
from pg_catalog.pg_constraint con
where con.contype in ('p', 'f')
