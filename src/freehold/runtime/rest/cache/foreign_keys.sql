-- Every foreign key as JSON; keys of partitions that come from their parent are left out.
with uniques as (
  select conrelid, (select pg_catalog.array_agg(k order by k) from pg_catalog.unnest(conkey) k) as columns
  from pg_catalog.pg_constraint
  where contype in ('p', 'u')
)
select pg_catalog.json_build_object(
  'table', pg_catalog.json_build_array(table_schema.nspname, origin.relname),
  'foreign', pg_catalog.json_build_array(foreign_schema.nspname, target.relname),
  'is_self', con.conrelid = con.confrelid,
  'constraint', con.conname,
  'columns', pairs.names,
  'is_one_to_one', exists (select from uniques where uniques.conrelid = con.conrelid and uniques.columns = pairs.sorted)
)
from pg_catalog.pg_constraint con
join pg_catalog.pg_class origin on origin.oid = con.conrelid
join pg_catalog.pg_namespace table_schema on table_schema.oid = origin.relnamespace
join pg_catalog.pg_class target on target.oid = con.confrelid
join pg_catalog.pg_namespace foreign_schema on foreign_schema.oid = target.relnamespace
cross join lateral (
  select
    pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, f.attname) order by k.place) as names,
    pg_catalog.array_agg(a.attnum order by a.attnum) as sorted
  from rows from (pg_catalog.unnest(con.conkey), pg_catalog.unnest(con.confkey)) with ordinality as k(own, other, place)
  join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.own
  join pg_catalog.pg_attribute f on f.attrelid = con.confrelid and f.attnum = k.other
) pairs
where con.contype = 'f' and con.conparentid = 0
order by con.conrelid, con.conname
