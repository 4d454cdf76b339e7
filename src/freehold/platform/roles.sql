-- Roles belong to the whole cluster, so they are ensured on every installation, not recorded as a revision of one
-- database. Nothing here takes a right away from a role that was there before. :"owner" is the app's owner role.

do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit'),
      ('supabase_auth_admin', 'login noinherit'),
      ('supabase_storage_admin', 'login noinherit'),
      ('supabase_admin', 'nologin'),
      ('supabase_realtime_admin', 'nologin noinherit'),
      ('supabase_functions_admin', 'nologin noinherit'),
      ('supabase_replication_admin', 'nologin'),
      ('supabase_read_only_user', 'nologin'),
      ('supabase_etl_admin', 'nologin'),
      ('dashboard_user', 'nologin'),
      ('pgbouncer', 'nologin'),
      ('freehold_platform', 'nologin noinherit'),
      ('freehold_replication', 'nologin noinherit replication'),
      ('freehold_server', 'nologin noinherit')
    ) as roles (name, attributes)
  loop
    if to_regrole(wanted.name) is null then
      execute format('create role %I %s', wanted.name, wanted.attributes);
    end if;
  end loop;
end
$$;

do $$
declare
  unfit text;
begin
  select string_agg(rolname, ', ') into unfit
    from pg_catalog.pg_roles
   where rolsuper
     and rolname in ('anon', 'authenticated', 'service_role', 'authenticator', 'supabase_auth_admin',
                     'supabase_storage_admin', 'supabase_realtime_admin', 'freehold_platform',
                     'freehold_replication', 'freehold_server');
  if unfit is not null then
    raise exception 'these roles exist and are superusers: %', unfit
      using hint = 'A request must never run as a superuser. Rename them or use another cluster.';
  end if;
end
$$;

do $$
begin
  if not (select rolbypassrls from pg_catalog.pg_roles where rolname = 'service_role') then
    alter role service_role bypassrls;
  end if;
  if to_regrole(format('%I', :'owner')) is null then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole noreplication bypassrls', :'owner');
    execute format('comment on role %I is %L', :'owner', 'The owner of the app''s own schema (made by Freehold)');
  end if;
end
$$;

do $$
declare
  pair record;
begin
  for pair in
    select * from (values
      ('anon', 'authenticator'),
      ('authenticated', 'authenticator'),
      ('service_role', 'authenticator'),
      ('anon', 'supabase_storage_admin'),
      ('authenticated', 'supabase_storage_admin'),
      ('service_role', 'supabase_storage_admin'),
      ('anon', :'owner'),
      ('authenticated', :'owner'),
      ('service_role', :'owner')
    ) as pairs (role, member)
  loop
    if not exists (
      select from pg_catalog.pg_auth_members
       where roleid = to_regrole(quote_ident(pair.role)) and member = to_regrole(quote_ident(pair.member))
    ) then
      execute format('grant %I to %I', pair.role, pair.member);
    end if;
  end loop;
end
$$;

do $$
declare
  setting record;
begin
  for setting in
    select * from (values
      ('anon', 'statement_timeout', '3s'),
      ('authenticated', 'statement_timeout', '8s'),
      ('authenticator', 'statement_timeout', '8s'),
      ('authenticator', 'lock_timeout', '8s'),
      ('supabase_auth_admin', 'search_path', 'auth'),
      ('supabase_auth_admin', 'idle_in_transaction_session_timeout', '60000'),
      ('supabase_storage_admin', 'search_path', 'storage'),
      ('freehold_server', 'search_path', 'server, public, extensions'),
      ('freehold_server', 'statement_timeout', '60s'),
      ('freehold_server', 'idle_in_transaction_session_timeout', '60s'),
      (:'owner', 'search_path', '"$user", public, extensions')
    ) as settings (role, name, value)
  loop
    if not exists (
      select from pg_catalog.pg_db_role_setting as s, unnest(s.setconfig) as entry
       where s.setdatabase = 0 and s.setrole = to_regrole(quote_ident(setting.role))
         and split_part(entry, '=', 1) = setting.name
    ) then
      -- search_path is a list of names and must not be quoted as one
      execute format(case when setting.name = 'search_path' then 'alter role %I set %I = %s'
                          else 'alter role %I set %I = %L' end, setting.role, setting.name, setting.value);
    end if;
  end loop;
end
$$;

-- A database made from a template keeps its schemas but loses the rights on the database itself.
do $$
begin
  if not has_database_privilege(:'owner', current_database(), 'create') then
    execute format('grant create, connect, temporary on database %I to %I', current_database(), :'owner');
  end if;
  execute format('grant connect on database %I to authenticator, supabase_auth_admin, supabase_storage_admin',
                 current_database());
end
$$;
