-- Schemas, the app's own schema public, and what everybody may do there.

create schema if not exists extensions;
grant usage on schema extensions to :"owner", anon, authenticated, service_role, dashboard_user,
  supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin, supabase_functions_admin, freehold_platform;

-- On PostgreSQL 14 and older everybody may create in public.
revoke create on schema public from public;
alter schema public owner to :"owner";
grant usage on schema public to :"owner", anon, authenticated, service_role,
  supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin, supabase_functions_admin;

-- Supabase's defaults: what the owner creates in public is open to the API roles, and row level security decides.
alter default privileges for role :"owner" in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role :"owner" in schema public
  grant all on sequences to anon, authenticated, service_role;
alter default privileges for role :"owner" in schema public
  grant all on functions to anon, authenticated, service_role;

do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end
$$;
alter publication supabase_realtime owner to :"owner";
