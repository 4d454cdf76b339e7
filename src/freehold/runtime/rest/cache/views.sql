-- The parse trees of the views in schemas $1, and the names of their columns.
select
  pg_catalog.json_build_object(
    'oid', c.oid::bigint,
    'schema', n.nspname,
    'name', c.relname,
    'exposed', n.nspname = any ($2::text[]),
    'columns', (
      select pg_catalog.json_object_agg(a.attnum, a.attname)
      from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    )
  ),
  r.ev_action::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
where c.relkind in ('v', 'm') and n.nspname = any ($1::text[])
order by n.nspname, c.relname
