-- Every relation outside the system schemas as JSON; columns only for the exposed schemas $1.
with recursive
bases(type, base) as (
  select oid, oid from pg_catalog.pg_type where typbasetype = 0
  union all
  select outer_type.oid, bases.base from pg_catalog.pg_type outer_type join bases on bases.type = outer_type.typbasetype
),
relations as (
  select
    c.oid, n.nspname, c.relname, c.relkind, n.nspname = any ($1::text[]) as exposed,
    case
      when c.relkind in ('r', 'p') then 28
      when c.relkind in ('v', 'f') then pg_catalog.pg_relation_is_updatable(c.oid::regclass, true)
      else 0
    end as events
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'f', 'p')
    and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema')
    and not pg_catalog.pg_is_other_temp_schema(n.oid)
),
attributes as (
  select
    a.attrelid,
    pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'description', pg_catalog.col_description(a.attrelid, a.attnum),
      'nullable', not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)),
      'type', case
        when t.typtype = 'd' and base.typnamespace = 'pg_catalog'::regnamespace
          then pg_catalog.format_type(base.oid, null)
        when t.typtype <> 'd' and t.typnamespace = 'pg_catalog'::regnamespace
          then pg_catalog.format_type(a.atttypid, null)
        else pg_catalog.format_type(a.atttypid, a.atttypmod)
      end,
      'nominal_type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'max_length', case
        when true_type.modifier = -1 then null
        when true_type.id in ('bpchar'::regtype, 'varchar'::regtype) then true_type.modifier - 4
        when true_type.id in ('bit'::regtype, 'varbit'::regtype) then true_type.modifier
      end,
      'default', case
        when a.attgenerated <> '' then null
        when a.attidentity = 'd' then pg_catalog.format('nextval(%L)', identity.sequence)
        when ad.adbin is not null then pg_catalog.pg_get_expr(ad.adbin, ad.adrelid)
        when t.typtype = 'd' then pg_catalog.pg_get_expr(t.typdefaultbin, 0)
      end,
      'enum', coalesce(
        (select pg_catalog.json_agg(enumlabel order by enumsortorder) from pg_catalog.pg_enum where enumtypid = base.oid),
        '[]'
      )
    ) order by a.attnum) as columns
  from pg_catalog.pg_attribute a
  join relations on relations.oid = a.attrelid and relations.exposed
  join pg_catalog.pg_type t on t.oid = a.atttypid
  join bases on bases.type = t.oid
  join pg_catalog.pg_type base on base.oid = bases.base
  left join pg_catalog.pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
  left join lateral (
    select d.objid::regclass as sequence
    from pg_catalog.pg_depend d
    where d.classid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'
    limit 1
  ) identity on a.attidentity = 'd'
  cross join lateral (
    select
      case when t.typtype = 'd' then t.typbasetype else a.atttypid end as id,
      case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as modifier
  ) true_type
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
),
primary_keys as (
  select con.conrelid, pg_catalog.json_agg(a.attname order by a.attname) as names
  from pg_catalog.pg_constraint con
  join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = any (con.conkey)
  where con.contype = 'p'
  group by con.conrelid
)
select pg_catalog.json_build_object(
  'schema', relations.nspname,
  'name', relations.relname,
  'description', pg_catalog.obj_description(relations.oid, 'pg_class'),
  'is_view', relations.relkind in ('v', 'm'),
  'insertable', relations.events & 8 = 8,
  'updatable', relations.events & 4 = 4,
  'deletable', relations.events & 16 = 16,
  'primary_key', coalesce(primary_keys.names, '[]'),
  'columns', coalesce(attributes.columns, '[]')
)
from relations
left join attributes on attributes.attrelid = relations.oid
left join primary_keys on primary_keys.conrelid = relations.oid
order by relations.nspname, relations.relname
