"""What the login of the app's own Python server may do: the app's rows, a schema of its own, nothing else."""

from collections.abc import Iterator

import psycopg
import pytest

from freehold import platform
from freehold.core.errors import DatabaseUnfit
from freehold.testing.database import FreshDatabase, fresh_database


def _open(database: FreshDatabase) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        platform.open_to_server(connection)


@pytest.fixture(scope="module")
def database() -> Iterator[FreshDatabase]:
    with fresh_database() as found:
        with psycopg.connect(found.owner_dsn, autocommit=True) as owner:
            owner.execute("create table pots (id bigserial primary key, name text)")
            owner.execute("alter table pots enable row level security")
            owner.execute("insert into pots (name) values ('blue')")
        _open(found)
        with psycopg.connect(found.owner_dsn, autocommit=True) as owner:
            owner.execute("create table later (id int primary key)")
            owner.execute("create function public.answer() returns int language sql return 42")
            owner.execute("revoke execute on function public.answer from public")
        with psycopg.connect(found.server_dsn, autocommit=True) as server:
            server.execute("create table auth_user (id int primary key, password text)")
            server.execute("insert into auth_user values (1, 'hash')")
        yield found


def test_it_reads_and_writes_the_apps_rows_whatever_their_policies_and_tables_that_come_later(
    database: FreshDatabase,
) -> None:
    with psycopg.connect(database.server_dsn) as server:
        server.execute("insert into pots (name) values ('red')")
        assert server.execute("select count(*) from pots").fetchone() == (2,)
        server.execute("insert into later values (1)")
        assert server.execute("select answer()").fetchone() == (42,)
        server.execute("create table orders (pot bigint references pots)")
        assert server.execute(
            "select relnamespace::regnamespace::text from pg_class where relname = 'orders'"
        ).fetchone() == ("server",)


@pytest.mark.parametrize(
    "statement",
    [
        "create table public.mine (id int)",
        "alter table pots add column more text",
        "drop table pots",
        "truncate pots",
        "create trigger t before insert on pots for each row execute function suppress_redundant_updates_trigger()",
        "alter table pots disable row level security",
        "select * from auth.users",
        "select * from storage.objects",
        "select * from vault.secrets",
        "select * from freehold.migration_files",
        "select * from pg_authid",
        "set role service_role",
        "set role authenticator",
        "set session authorization postgres",
        "create schema mine",
        "create role mine",
        "alter role freehold_server superuser",
        "create extension dblink",
        "create publication p for table auth_user, pots",
        "copy pots to program 'id'",
        "copy pots to '/tmp/x'",
        "select pg_read_file('/etc/passwd')",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user",
        "alter publication supabase_realtime add table auth_user",
        "select lo_import('/etc/passwd')",
        "select pg_create_logical_replication_slot('mine', 'pgoutput')",
        "create function public.mine() returns int language sql return 1",
        "create event trigger mine on ddl_command_end execute function mine()",
        "alter schema server rename to api",
        "alter role freehold_server connection limit 1000",
        "set session_replication_role = replica",
    ],
)
def test_it_may_do_nothing_else(database: FreshDatabase, statement: str) -> None:
    with (
        psycopg.connect(database.rest_dsn),  # somebody else's connection
        psycopg.connect(database.server_dsn) as server,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)),
    ):
        server.execute(statement.encode())


def test_of_the_platform_it_reaches_no_schema_and_nothing_that_runs_as_another(database: FreshDatabase) -> None:
    schemas = (
        "select array_agg(nspname::text order by nspname) from pg_namespace"
        " where has_schema_privilege(oid, %s) and nspname !~ '^pg_' and nspname <> 'information_schema'"
    )
    as_another = (
        "select oid::regprocedure from pg_proc where prosecdef and has_function_privilege(oid, 'execute')"
        " and has_schema_privilege(pronamespace, 'usage') and pronamespace <> 'server'::regnamespace"
    )
    with psycopg.connect(database.server_dsn) as server:
        assert server.execute(schemas, ("usage",)).fetchone() == (["extensions", "public", "server"],)
        assert server.execute(schemas, ("create",)).fetchone() == (["server"],)
        assert server.execute(as_another).fetchall() == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_nobody_who_asks_the_api_sees_what_it_keeps(database: FreshDatabase, role: str) -> None:
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema server"):
            connection.execute("select * from server.auth_user")


def test_before_an_app_with_such_a_server_came_the_login_reaches_nothing() -> None:
    with fresh_database() as database:
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute("create table pots (id int)")
        with psycopg.connect(database.server_dsn) as server, pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.execute("select * from public.pots")


def test_it_may_be_opened_again_and_again(database: FreshDatabase) -> None:
    _open(database)
    with psycopg.connect(database.server_dsn) as server:
        assert server.execute("select password from auth_user").fetchone() == ("hash",)
        assert server.execute("show search_path").fetchone() == ("server, public, extensions",)


def test_another_schema_of_that_name_is_not_taken() -> None:
    with fresh_database() as database:
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute("create schema server")
        with pytest.raises(DatabaseUnfit) as refused:
            _open(database)
        assert "belongs to somebody else" in refused.value.detail


def test_a_table_that_came_with_the_apps_data_is_used_where_it_is_and_changed_once_it_was_moved() -> None:
    with fresh_database() as database:
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute("create table auth_user (id bigserial primary key, password text)")
        _open(database)
        with psycopg.connect(database.server_dsn, autocommit=True) as server:
            server.execute("insert into auth_user (password) values ('hash')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                server.execute("alter table auth_user add column phone text")
            # As docs/how-to/django.md has it.
            with psycopg.connect(database.superuser_dsn) as admin:
                admin.execute("alter table public.auth_user owner to freehold_server")
                admin.execute("alter table public.auth_user set schema server")
            server.execute("alter table auth_user add column phone text")
            assert server.execute("insert into auth_user (password) values ('x') returning id").fetchone() == (2,)
        with psycopg.connect(database.rest_dsn) as rest:
            rest.execute("set role anon")
            with pytest.raises(psycopg.errors.UndefinedTable):
                rest.execute("select * from auth_user")
