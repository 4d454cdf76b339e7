"""What the app's own SQL cannot do. Each statement runs as a migration does: logged in as the owner role."""

from collections.abc import Iterator

import psycopg
import pytest

from freehold import platform
from freehold.core.errors import MigrationFailed
from freehold.core.inventory import MigrationFile
from freehold.core.secret import Secret
from freehold.data.migrations import MigrationReport, migrate
from freehold.testing.database import FreshDatabase, fresh_database, shared_server

FINGERPRINT = """
select md5(string_agg(part, E'\n' order by part)) from (
  select 'relation ' || c.oid::regclass || c.relowner::regrole || c.relrowsecurity::text || coalesce(c.relacl::text, '')
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where n.nspname in ('auth', 'storage', 'realtime', 'cron', 'net', 'vault', 'pgmq', 'freehold',
                     'freehold_gate', 'freehold_worker')
  union all select 'function ' || p.oid::regprocedure || md5(p.prosrc) || p.proowner::text
      || coalesce(p.proacl::text, '')
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
   where n.nspname in ('auth', 'storage', 'realtime', 'cron', 'net', 'vault', 'pgmq', 'freehold',
                     'freehold_gate', 'freehold_worker')
  union all select 'trigger ' || tgrelid::regclass || tgname || tgenabled::text from pg_trigger where not tgisinternal
  union all select 'policy ' || polrelid::regclass || polname from pg_policy
  union all select 'role ' || rolname || array[rolsuper, rolcreaterole, rolbypassrls, rolreplication, rolcanlogin]::text
    from pg_roles
  union all select 'member ' || roleid::regrole || member::regrole from pg_auth_members
  union all select 'setting ' || setrole::text || setconfig::text from pg_db_role_setting
  union all select 'event trigger ' || evtname || evtenabled::text from pg_event_trigger
  union all select 'schema ' || nspname || nspowner::text || coalesce(nspacl::text, '') from pg_namespace
   where nspname !~ '^pg_(temp|toast)'
  union all select 'revision ' || name || checksum from freehold.platform_revisions
  union all select 'language ' || lanname from pg_language
  union all select 'extension ' || extname || extnamespace::text from pg_extension
) as parts (part)
"""

HOSTILE = [
    "alter role {owner} superuser",
    "alter role {owner} createrole replication",
    "alter role authenticator superuser",
    "alter role supabase_auth_admin password 'known'",
    "alter role anon set search_path = evil",
    "create role evil superuser",
    "create role evil",
    "grant supabase_auth_admin to {owner}",
    "grant pg_read_server_files to {owner}",
    "grant pg_execute_server_program to {owner}",
    "set role supabase_auth_admin",
    "set role supabase_storage_admin",
    "set role freehold_platform",
    "set session authorization supabase_storage_admin",
    "reset role; set role {superuser}",
    "drop schema auth cascade",
    "drop schema storage cascade",
    "drop schema freehold cascade",
    "drop table auth.users cascade",
    "drop table storage.objects",
    "drop function auth.uid() cascade",
    "alter table auth.users add column evil text",
    "alter table auth.users disable row level security",
    "alter table storage.objects disable row level security",
    "alter table storage.objects disable trigger protect_objects_delete",
    "drop trigger protect_objects_delete on storage.objects",
    "alter table storage.objects owner to {owner}",
    "create or replace function auth.uid() returns uuid language sql as 'select gen_random_uuid()'",
    "create or replace function storage.foldername(name text) returns text[] language sql as 'select array[name]'",
    "create function auth.evil() returns int language sql as 'select 1'",
    "create table storage.evil (id int)",
    "create policy evil on auth.users for select using (true)",
    "create function extensions.evil() returns int language sql as 'select 1'",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "copy (select 1) to '/tmp/evil'",
    "create table t (a text); copy t from '/etc/passwd'",
    "create table t (a text); copy t from program 'id'",
    "select lo_import('/etc/passwd')",
    "load 'auto_explain'",
    "load '$libdir/plugins/evil'",
    "create function evil() returns int language c as 'libc', 'system'",
    "create function evil() returns int language internal as 'pg_backend_pid'",
    "create extension file_fdw",
    "create extension dblink",
    "create extension plpython3u",
    "alter extension pgcrypto set schema public",
    "drop extension pgcrypto cascade",
    "alter system set log_statement = 'none'",
    "alter database {database} set search_path = evil",
    "alter database {database} owner to {owner}",
    "set session_replication_role = replica",
    "set local session_preload_libraries = 'evil'",
    "create event trigger evil on ddl_command_start execute function extensions.pgrst_ddl_watch()",
    "drop event trigger pgrst_ddl_watch",
    "alter event trigger pgrst_ddl_watch disable",
    "select * from freehold.migration_files",
    "insert into freehold.migration_files (version, path, sha256, status) values ('1', 'x', 'x', 'applied')",
    "insert into freehold.approved (token, kind, statement) values (gen_random_uuid(), 'supabase_auth_admin', 'x')",
    "select freehold_gate.completed(gen_random_uuid())",
    "select freehold_gate.as_auth_admin(gen_random_uuid())",
    "select freehold_gate.place_extension('pgcrypto', 'pg_catalog', true)",
    "create function freehold_gate.completed(text) returns void language sql as ''",
    "select passphrase from freehold.vault_key",
    "select token from auth.refresh_tokens",
    "select * from auth.one_time_tokens",
    "select secret from auth.mfa_factors",
    "select * from auth.flow_state",
    "select rolpassword from pg_authid",
    "insert into cron.job (schedule, command, username) values ('* * * * *', 'select 1', '{superuser}')",
    "select cron.schedule_in_database('x', '* * * * *', 'select 1', 'postgres', '{superuser}')",
    "delete from storage.objects",
    "truncate storage.objects",
    "create publication evil for all tables",
    "create subscription evil connection 'host=127.0.0.1' publication p with (connect = false)",
    "do $$ begin execute 'drop table ' || 'auth.sessions'; end $$",
    "do $$ begin execute 'set role ' || 'supabase_auth_admin'; drop table auth.sessions; end $$",
    "create function f() returns void language sql security definer as 'drop table auth.sessions'; select f()",
    "set search_path = auth; drop table sessions",
    "grant all on schema freehold to {owner}",
    "reassign owned by supabase_auth_admin to {owner}",
    "security label on role {owner} is 'x'",
    "select set_config('role', 'supabase_auth_admin', false)",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{superuser}'",
    "alter function freehold_gate.completed(uuid) owner to {owner}",
    "select * from pg_logical_slot_get_changes('x', null, null)",
    "select pg_create_physical_replication_slot('evil')",
]


@pytest.fixture(scope="module")
def database() -> Iterator[FreshDatabase]:
    with fresh_database() as found:
        yield found


def run(database: FreshDatabase, *sql: str) -> MigrationReport:
    files = [MigrationFile(path=f"{number}.sql", version=str(number), sql=text) for number, text in enumerate(sql)]
    return migrate(
        files,
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )


def ask(dsn: str, sql: str) -> tuple | None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchone()


@pytest.mark.parametrize("template", HOSTILE)
def test_postgresql_refuses_what_reaches_beyond_the_app(database: FreshDatabase, template: str) -> None:
    superuser = psycopg.conninfo.conninfo_to_dict(database.superuser_dsn)["user"]
    names = {"owner": shared_server().owner, "database": database.name, "superuser": superuser}
    sql = template
    for name, value in names.items():
        sql = sql.replace("{" + name + "}", str(value))
    before = ask(database.superuser_dsn, FINGERPRINT)
    with pytest.raises(MigrationFailed):
        run(database, sql)
    assert ask(database.superuser_dsn, FINGERPRINT) == before


def test_the_owner_role_has_no_dangerous_attribute_and_owns_nothing_of_the_platform(database: FreshDatabase) -> None:
    owner = shared_server().owner
    attributes = ask(
        database.superuser_dsn,
        f"select rolsuper, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = '{owner}'",
    )
    owned = ask(
        database.superuser_dsn,
        "select count(*) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.relowner ="
        f" '{owner}'::regrole and n.nspname not in ('public', 'supabase_migrations', 'pg_toast')",
    )
    assert attributes == (False, False, False, False)
    assert owned == (0,)


def test_a_trap_in_public_is_not_stepped_into_by_the_administrator() -> None:
    with fresh_database() as database:
        trap = """
            create function public.format(text, name, text) returns text language plpgsql as
              $$ begin execute 'alter role anon superuser'; return ''; end $$;
            create function public.trap(uuid, uuid) returns boolean language plpgsql as
              $$ begin execute 'create table storage.evil ()'; return true; end $$;
            create operator public.= (leftarg = uuid, rightarg = uuid, function = public.trap);
            set search_path = public, pg_catalog;
            create policy fine on storage.objects for select using (true);
        """
        run(database, trap)
        with psycopg.connect(database.superuser_dsn) as connection:
            platform.install(connection, logins=shared_server().logins, owner=shared_server().owner)
        assert ask(database.superuser_dsn, "select to_regclass('storage.evil')") == (None,)
        assert ask(database.superuser_dsn, "select rolsuper from pg_roles where rolname = 'anon'") == (False,)
        assert ask(
            database.superuser_dsn, "select polname from pg_policy where polrelid = 'storage.objects'::regclass"
        ) == ("fine",)


def test_the_api_roles_reach_no_secret(database: FreshDatabase) -> None:
    for role in ("anon", "authenticated", "service_role"):
        for sql in (
            "select * from auth.users",
            "select * from freehold.vault_key",
            "select * from freehold.migration_files",
            "select * from auth.refresh_tokens",
            "select * from net.http_request_queue" if role != "service_role" else "select * from cron.job",
            "select * from vault.decrypted_secrets" if role != "service_role" else "select * from pg_authid",
        ):
            with psycopg.connect(database.rest_dsn) as connection:
                connection.execute(f"set role {role}")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql)


def test_the_rest_login_becomes_the_api_roles_and_nobody_else(database: FreshDatabase) -> None:
    for role in ("supabase_admin", "supabase_auth_admin", "supabase_storage_admin", shared_server().owner):
        with (
            psycopg.connect(database.rest_dsn) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"set role {role}")
