-- Callable functions of the schemas $1 as JSON; $2 are patterns of settings that hold for the whole transaction.
with recursive
bases(type, base) as (
  select oid, oid from pg_catalog.pg_type where typbasetype = 0
  union all
  select outer_type.oid, bases.base from pg_catalog.pg_type outer_type join bases on bases.type = outer_type.typbasetype
),
inputs as (
  select
    p.oid,
    pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', coalesce(given.name, ''),
      'type', given.type::regtype::text,
      'unbounded_type', case given.type
        when 'bit'::regtype then 'bit varying'
        when 'bit[]'::regtype then 'bit varying[]'
        when 'character'::regtype then 'character varying'
        when 'character[]'::regtype then 'character varying[]'
        else given.type::regtype::text
      end,
      'required', given.place <= p.pronargs - p.pronargdefaults,
      'variadic', given.mode = 'v'
    ) order by given.place) as parameters,
    pg_catalog.count(*) filter (where given.name is null) as unnamed,
    pg_catalog.bool_or(given.name is null and given.type in (
      'bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype
    )) as takes_a_body
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join lateral (
    select all_given.name, all_given.type, all_given.mode, pg_catalog.row_number() over (order by all_given.place) as place
    from (
      select listed.type, coalesce(p.proargmodes[listed.place], 'i') as mode, p.proargnames[listed.place] as name, listed.place
      from pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as listed(type, place)
    ) all_given
    where all_given.mode in ('i', 'b', 'v')
  ) given
  where n.nspname = any ($1::text[])
  group by p.oid
)
select pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', p.proname,
  'description', pg_catalog.obj_description(p.oid, 'pg_proc'),
  'parameters', coalesce(inputs.parameters, '[]'),
  'return_type', pg_catalog.json_build_array(return_schema.nspname, coalesce(row_type.relname, returned.typname)),
  'returns_set', p.proretset,
  'returns_composite', returned.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false),
  'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
  'isolation', (
    select pg_catalog.split_part(setting, '=', 2)
    from pg_catalog.unnest(p.proconfig) setting
    where setting like 'default\_transaction\_isolation=%'
    limit 1
  ),
  'settings', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_array(
      pg_catalog.split_part(setting, '=', 1),
      pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
    ))
    from pg_catalog.unnest(p.proconfig) setting
    where setting ~ any ($2::text[])
  ), '[]')
), p.oid::text
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join bases on bases.type = p.prorettype
join pg_catalog.pg_type returned on returned.oid = bases.base
join pg_catalog.pg_namespace return_schema on return_schema.oid = returned.typnamespace
left join pg_catalog.pg_class row_type on row_type.oid = returned.typrelid
left join inputs on inputs.oid = p.oid
where n.nspname = any ($1::text[])
  and p.prokind = 'f'
  and returned.oid <> 'trigger'::regtype
  and (inputs.oid is null or inputs.unnamed = 0 or (inputs.unnamed = 1 and inputs.takes_a_body))
order by n.nspname, p.proname, p.pronargs, p.oid
