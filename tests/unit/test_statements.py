import pytest

from freehold.core.inventory import MigrationFile
from freehold.data.migrations.decisions import Database, decide
from freehold.data.migrations.segments import FilePlan, plan_file
from freehold.data.migrations.statements import salvaged, statements

DATABASE = Database(owner="postgres", installed=frozenset({"pgcrypto", "vector"}), available=frozenset({"hstore"}))


def plan(sql: str) -> FilePlan:
    return plan_file(MigrationFile(path="m.sql", version="1", sql=sql), DATABASE)


def test_each_statement_keeps_its_own_text_and_line() -> None:
    found = statements("-- a comment; with a semicolon\nselect 1;\n\n  select 'ü;'\n  as b;\n/* c */ select $x$;$x$")
    assert [(item.text, item.line) for item in found] == [
        ("select 1", 2),
        ("select 'ü;'\n  as b", 4),
        ("select $x$;$x$", 6),
    ]


def test_function_bodies_and_blocks_are_one_statement() -> None:
    found = statements(
        "create function f() returns void language plpgsql as $$ begin null; end $$;\ndo $a$ begin end $a$"
    )
    assert [item.kind for item in found] == ["create_function", "do"]


def test_a_byte_order_mark_and_an_empty_file_are_no_statements() -> None:
    assert statements("\ufeff") == ()
    assert statements("-- nothing\n") == ()
    assert statements("\ufeffselect 1")[0].text == "select 1"


def test_what_the_parser_refuses_stays_whole_for_postgresql_to_judge() -> None:
    (found,) = statements("\n\nselect 1; selec 2;")
    assert (found.kind, found.line, found.text) == ("", 3, "select 1; selec 2;")


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        (
            "create table a (b int);\nkey (b)\n);\nalter table a enable row level security;",
            ["create", "", "alter_table"],
        ),
        ("create table a (b int;\nalter table a enable row level security;", ["", "alter_table"]),
        ("selec 1; select $$a;(b$$; select ';('", ["", "select", "select"]),
        ("selec 1; create rule r as on insert to t do also (select 1; select 2)", ["", "rule"]),
        ("selec 1; -- nothing; more\n", [""]),
        (
            "selec 1; create function f() returns int begin atomic select case when true then 1 end; select 2; end;",
            ["", "create_function"],
        ),
    ],
    ids=["closed twice", "never closed", "in quotes", "rule", "comment", "atomic"],
)
def test_what_can_be_read_of_a_broken_file_is_read_and_nothing_is_lost(sql: str, kinds: list[str]) -> None:
    found = salvaged(sql)
    assert [item.kind for item in found] == kinds
    assert [item.line for item in found] == [sql.count("\n", 0, sql.index(item.text)) + 1 for item in found]


@pytest.mark.parametrize(
    "sql",
    [
        "create extension if not exists pg_net with schema extensions",
        "create extension pg_cron",
        "create extension pgcrypto",
        "create extension if not exists postgis",
        "create schema if not exists storage",
        "alter table storage.objects enable row level security",
        "alter publication supabase_realtime owner to postgres",
        "grant usage on schema cron to postgres",
        "grant all privileges on all tables in schema cron to postgres",
        "alter default privileges in schema net grant all on tables to postgres",
    ],
)
def test_what_the_platform_has_done_is_left_out(sql: str) -> None:
    assert decide(statements(sql)[0], DATABASE).outcome == "replaced"


@pytest.mark.parametrize(
    ("sql", "role"),
    [
        ('create policy "a" on storage.objects for select using (true)', "supabase_storage_admin"),
        ("drop policy if exists a on storage.buckets", "supabase_storage_admin"),
        ("alter policy a on storage.objects rename to b", "supabase_storage_admin"),
        ("alter policy a on storage.objects using (false)", "supabase_storage_admin"),
        ("comment on policy a on storage.objects is 'x'", "supabase_storage_admin"),
        ("create policy a on realtime.messages for select using (true)", "supabase_realtime_admin"),
        ("drop trigger if exists on_auth_user_created on auth.users", "supabase_auth_admin"),
        ("drop trigger mine on storage.objects", "supabase_storage_admin"),
    ],
)
def test_only_policies_and_the_apps_own_triggers_run_as_the_owner_of_a_platform_table(sql: str, role: str) -> None:
    decision = decide(statements(sql)[0], DATABASE)
    assert (decision.outcome, decision.role) == ("applied", role)


@pytest.mark.parametrize(
    "sql",
    [
        "create policy a on auth.users for select using (true)",
        "drop trigger protect_objects_delete on storage.objects",
        "drop policy a on public.todos",
        "alter table storage.objects disable row level security",
        "alter table storage.objects enable row level security, disable trigger all",
        "alter table auth.users owner to postgres",
        "drop table storage.objects",
        "drop schema auth cascade",
        "create extension hstore",
        "create extension file_fdw",
        "create extension some_unknown_thing",
        "grant select on auth.users to anon",
        "grant usage on schema vault to anon",
        "revoke all on schema public from anon",
        "create schema storage create table evil (id int)",
        "set session authorization supabase_admin",
        "do language plpython3u 'pass'",
    ],
)
def test_everything_else_is_left_to_the_rights_of_the_owner_role(sql: str) -> None:
    statement = statements(sql)[0]
    planned = plan(sql).segments[0].planned[0]
    assert (planned.outcome, planned.role) == ("applied", "postgres")
    assert planned.sent == statement.text


def test_nothing_can_ride_along_with_a_policy() -> None:
    (approved,) = plan("create policy a on storage.objects using (name = 'x;drop table y') -- comment\n;").approved
    assert approved.text == "CREATE POLICY a ON storage.objects TO public USING (name = 'x;drop table y')"


def test_policies_and_extensions_inside_blocks_are_exchanged_and_the_rest_is_kept() -> None:
    found = plan(
        "do $$ begin\n if true then create extension pg_cron; end if;\n"
        " create policy a on storage.objects for select using (true);\n"
        " execute 'drop policy b on storage.objects';\n perform 1;\n"
        "exception when duplicate_object then null; end $$"
    )
    (planned,) = found.segments[0].planned
    assert "create policy" not in planned.sent
    assert "perform null" in planned.sent
    assert planned.sent.count("freehold_gate.as_storage_admin") == 2
    assert planned.sent.count("\n") == planned.statement.text.count("\n")
    assert [item.text for item in found.approved] == [
        "CREATE POLICY a ON storage.objects FOR SELECT TO public USING (true)",
        "DROP POLICY b ON storage.objects",
    ]


def test_a_file_is_one_transaction() -> None:
    assert (
        len(plan("create table a (); create type t as enum ('x'); alter type t add value 'y'; select 1").segments) == 1
    )
    assert len(plan("begin; create table a (); commit;").segments) == 1


def test_concurrent_builds_stand_alone() -> None:
    found = plan("create table a (b int); create index concurrently i on a (b); select 1; drop index concurrently i")
    assert [segment.alone for segment in found.segments] == [False, True, False, True]


def test_a_new_enum_value_is_committed_before_it_is_used() -> None:
    found = plan("alter type t add value 'y'; insert into a values ('y')")
    assert [len(segment.planned) for segment in found.segments] == [1, 1]


def test_what_a_file_rolls_back_itself_is_not_run() -> None:
    found = plan("begin; drop table a; rollback;")
    assert [item.sent for segment in found.segments for item in segment.planned] == ["", "", ""]
