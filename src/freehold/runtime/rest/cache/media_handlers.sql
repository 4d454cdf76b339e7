-- Domains named like a media type, with the aggregates and functions of the schemas $1 that return them.
with media_types as (
  select
    t.oid, t.typname, t.typnamespace, pg_catalog.lower(t.typname) as wanted, t.typbasetype = 'bytea'::regtype as is_binary
  from pg_catalog.pg_type t
  where t.typtype = 'd' and (t.typname = '*/*' or t.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$')
),
handlers as (
  select
    m.wanted, m.typname, m.is_binary,
    n.nspname as function_schema, p.proname as function_name,
    argument_schema.nspname as target_schema, argument.typname as target_name
  from media_types m
  join pg_catalog.pg_proc p on p.prorettype = m.oid and p.prokind = 'a' and p.pronargs = 1
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_type argument on argument.oid = p.proargtypes[0]
  join pg_catalog.pg_namespace argument_schema on argument_schema.oid = argument.typnamespace
  where n.nspname = any ($1::text[])
    and (
      argument.oid = 'anyelement'::regtype
      or exists (
        select from pg_catalog.pg_class c where c.reltype = argument.oid and c.relkind in ('r', 'v', 'm', 'f', 'p')
      )
    )
  union
  -- A function that returns the domain is written out by the domain itself.
  select m.wanted, m.typname, m.is_binary, domain_schema.nspname, m.typname, n.nspname, p.proname
  from media_types m
  join pg_catalog.pg_namespace domain_schema on domain_schema.oid = m.typnamespace
  join pg_catalog.pg_proc p on p.prorettype = m.oid and p.prokind = 'f' and not p.proretset
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = any ($1::text[])
)
select pg_catalog.json_build_object(
  'function', pg_catalog.json_build_array(function_schema, function_name),
  'target', pg_catalog.json_build_array(target_schema, target_name),
  'wanted', wanted,
  'is_binary', is_binary,
  'media_type', case typname when '*/*' then 'application/octet-stream' else typname end
)
from handlers
