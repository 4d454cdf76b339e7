-- Settings of the roles that the login role may become, as far as it may set them itself.
select pg_catalog.json_build_array(
  r.rolname,
  pg_catalog.split_part(own, '=', 1),
  pg_catalog.substr(own, pg_catalog.strpos(own, '=') + 1)
)
from pg_catalog.pg_auth_members m
join pg_catalog.pg_roles member on member.oid = m.member and member.rolname = current_user
join pg_catalog.pg_roles r on r.oid = m.roleid
cross join lateral pg_catalog.unnest(r.rolconfig) own
join pg_catalog.pg_settings known on known.name = pg_catalog.split_part(own, '=', 1)
  and (known.context = 'user' /* or granted */)
