-- What the app's own Python server may do: every row of public, and a schema of its own for what it makes itself, such
-- as its users with their password hashes. No API role may look into that one. For such apps only, and again whenever
-- one is deployed: tables that the app's SQL has made meanwhile count.

do $$
begin
  if exists (
    select from pg_catalog.pg_namespace where nspname = 'server' and nspowner <> to_regrole('freehold_server')
  ) then
    raise exception 'the schema "server" is there already and belongs to somebody else'
      using hint = 'The app''s own server keeps its tables in a schema of this name: rename the other one.';
  end if;
  execute format('grant connect, temporary on database %I to freehold_server', current_database());
end
$$;

create schema if not exists server authorization freehold_server;
revoke all on schema server from public;
alter role freehold_server bypassrls connection limit 60;

grant usage on schema public, extensions to freehold_server;
grant select, insert, update, delete, references on all tables in schema public to freehold_server;
grant usage, select, update on all sequences in schema public to freehold_server;
grant execute on all routines in schema public to freehold_server;
alter default privileges for role :"owner" in schema public
  grant select, insert, update, delete, references on tables to freehold_server;
alter default privileges for role :"owner" in schema public grant usage, select, update on sequences to freehold_server;
alter default privileges for role :"owner" in schema public grant execute on routines to freehold_server;
