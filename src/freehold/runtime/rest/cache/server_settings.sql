-- `pgrst.*` settings of the login role; those made in this database come last and so win.
select pg_catalog.json_build_array(
  pg_catalog.substr(pg_catalog.split_part(setting, '=', 1), 7),
  pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
)
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_roles r on r.oid = s.setrole and r.rolname = current_user
left join pg_catalog.pg_database d on d.oid = s.setdatabase
cross join lateral pg_catalog.unnest(s.setconfig) setting
where (s.setdatabase = 0 or d.datname = pg_catalog.current_database())
  and pg_catalog.split_part(setting, '=', 1) like 'pgrst.%'
order by s.setdatabase
