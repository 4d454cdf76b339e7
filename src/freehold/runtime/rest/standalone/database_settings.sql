-- `pgrst.*` settings of the login role ($1: the names that count), the most specific first.
with role_setting as (
  select s.setdatabase as origin, pg_catalog.unnest(s.setconfig) as setting
  from pg_catalog.pg_db_role_setting s
  join pg_catalog.pg_roles r on r.oid = s.setrole and r.rolname = current_user
  where s.setdatabase = 0
    or s.setdatabase = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
),
found (origin, name, value) as (
  select
    origin,
    pg_catalog.substr(setting, 1, pg_catalog.strpos(setting, '=') - 1),
    pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
  from role_setting
  -- pre-config
)
select distinct on (name) pg_catalog.json_build_array(pg_catalog.substr(name, 7), value)
from found
where name like 'pgrst.%' and value is not null and (origin is not null or name = any ($1::text[]))
order by name, origin desc nulls last
