-- Functions from one row type to another: relationships that somebody wrote by hand.
select pg_catalog.json_build_object(
  'function', pg_catalog.json_build_array(n.nspname, p.proname),
  'table', pg_catalog.json_build_array(source_schema.nspname, source.relname),
  'foreign', pg_catalog.json_build_array(target_schema.nspname, target.relname),
  'is_to_one', not p.proretset or p.prorows = 1,
  'is_self', source.oid = target.oid
)
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_class source on source.reltype = p.proargtypes[0] and source.relkind in ('r', 'v', 'm', 'f', 'p')
join pg_catalog.pg_namespace source_schema on source_schema.oid = source.relnamespace
join pg_catalog.pg_class target on target.reltype = p.prorettype and target.relkind in ('r', 'v', 'm', 'f', 'p')
join pg_catalog.pg_namespace target_schema on target_schema.oid = target.relnamespace
where p.pronargs = 1
order by p.oid
