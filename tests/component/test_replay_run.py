"""A replay on a real PostgreSQL: what runs, what waits, what fails, and what is recorded."""

import shutil
from pathlib import Path

import psycopg
import pytest
from replay_world import folder, inventory, replay

from freehold.core.errors import DatabaseUnfit
from freehold.core.secret import Secret
from freehold.data import migrations, schema
from freehold.testing.database import FreshDatabase, fresh_database


def ask(database: FreshDatabase, query: str) -> list[tuple]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def tables(database: FreshDatabase) -> set[str]:
    return {row[0] for row in ask(database, "select tablename from pg_tables where schemaname = 'public'")}


def policies(database: FreshDatabase, table: str) -> dict[str, str]:
    query = f"select policyname, coalesce(qual, with_check) from pg_policies where tablename = '{table}'"
    return dict(ask(database, query))


def test_one_bad_statement_takes_nothing_else_with_it(tmp_path: Path, database: FreshDatabase) -> None:
    text = "create table a (id int); insert into nowhere values (1); create table b (id int); select 1/0;"
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert tables(database) == {"a", "b"}
    assert [(entry.line, entry.cause) for entry in outcome.failed] == [(1, "missing relation"), (1, "live data")]
    assert outcome.causes == {"missing relation": 1, "live data": 1}
    assert [item.what for item in outcome.unknowns] == ["deleted migrations", "statements that did not run"]


def test_what_lacked_something_runs_when_it_has_come(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(
        tmp_path,
        _20260101000000_early="""
            create table child (id int, parent_id int references parent (id));
            alter table child enable row level security;
            create policy "see" on child using (is_mine(id));
            create view joined as select c.id, p.name from child as c join parent as p on p.id = c.parent_id;
            create table kinds (kind public.kind);
        """,
        _20260102000000_late="""
            create type public.kind as enum ('x');
            create table parent (id int primary key);
            create function is_mine(int) returns boolean language sql as 'select true';
        """,
        _20260103000000_later="alter table parent add column name text;",
    )
    outcome = replay(root, database)
    assert outcome.failed == ()
    assert tables(database) == {"child", "parent", "kinds"}
    assert [*policies(database, "child")] == ["see"]
    assert max(entry.attempts for entry in outcome.entries) > 1


def test_an_older_version_never_comes_back_over_a_newer_one(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(
        tmp_path,
        _20260101000000_old="""
            create policy "p" on late for select using (true);
            create policy "gone" on late for select using (true);
            create function f() returns setof late language sql as 'select * from late where false';
        """,
        _20260102000000_new="""
            drop policy if exists "p" on late;
            drop policy if exists "gone" on late;
            create function f() returns int language sql as 'select 2';
            create policy "p" on late for select using (id = 7);
        """,
        _20260103000000_table="create table late (id int); alter table late enable row level security;",
    )
    outcome = replay(root, database)
    assert policies(database, "late") == {"p": "(id = 7)"}
    assert ask(database, "select f()") == [(2,)]
    assert {entry.cause for entry in outcome.failed} == {"outdated"}


def test_a_file_that_is_not_sql_as_a_whole_gives_what_is(tmp_path: Path, database: FreshDatabase) -> None:
    text = "create table a (id int);\n\ncreate table broken (id int,,);\n\ncreate table b (id int);"
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert tables(database) == {"a", "b"}
    assert [(entry.line, entry.cause) for entry in outcome.failed] == [(3, "syntax")]


def test_what_a_file_sets_ends_with_it(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(
        tmp_path,
        _20260101000000_a="begin; create schema other; set local search_path = other; create table a (id int); commit;",
        _20260102000000_b="create table b (id int); set role anon;",
        _20260103000000_c="create table c (id int); prepare p as select 1; create temp table left_over (id int);",
        _20260104000000_d="create table d (id int);",
    )
    assert replay(root, database).failed == ()
    assert tables(database) == {"b", "c", "d"}
    assert ask(database, "select to_regclass('other.a') is not null") == [(True,)]


@pytest.mark.parametrize(
    "hostile",
    [
        "copy (select 1) to program 'touch /tmp/freehold-escaped'",
        "create role intruder superuser",
        "alter role postgres superuser",
        "set role supabase_auth_admin",
        "set session authorization supabase_auth_admin",
        "update freehold.installation set owner = 'anon'",
        "insert into freehold.approved (token, kind) values (gen_random_uuid(), 'supabase_auth_admin')",
        "create policy open on auth.users using (true)",
        "do $$ begin execute 'create extension plpython3u'; end $$",
    ],
)
def test_what_tries_more_than_its_role_may_is_recorded_and_not_done(
    tmp_path: Path, database: FreshDatabase, hostile: str
) -> None:
    before = ask(database, "select rolname, rolsuper, rolbypassrls from pg_roles order by 1")
    outcome = replay(folder(tmp_path, _20260101000000_a=f"{hostile};\ncreate table after (id int);"), database)
    assert [entry.line for entry in outcome.failed] == [1]
    assert tables(database) == {"after"}
    assert ask(database, "select rolname, rolsuper, rolbypassrls from pg_roles order by 1") == before
    assert ask(database, "select outcome from freehold.migration_statements order by number") == [
        ("failed",),
        ("applied",),
    ]


def test_a_statement_that_ends_its_own_connection_stops_nothing(tmp_path: Path, database: FreshDatabase) -> None:
    text = "select pg_terminate_backend(pg_backend_pid()); create table after (id int);"
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert [entry.cause for entry in outcome.failed] == ["connection"]
    assert tables(database) == {"after"}


def test_policies_on_storage_run_as_its_owner(tmp_path: Path, database: FreshDatabase) -> None:
    text = "create policy mine on storage.objects for select using (owner = auth.uid()); create extension pg_cron;"
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert [(entry.outcome, entry.role) for entry in outcome.entries] == [
        ("applied", "supabase_storage_admin"),
        ("replaced", "postgres"),
    ]
    assert "mine" in policies(database, "objects")


def test_a_database_with_something_in_it_is_refused_and_left_alone(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(tmp_path, _20260101000000_a="create table a (id int);")
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute("create table mine (id int)")
    with pytest.raises(DatabaseUnfit) as refused:
        replay(root, database)
    assert "public.mine" in refused.value.detail
    assert tables(database) == {"mine"}


def test_it_is_replayed_once_only(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(tmp_path, _20260101000000_a="select 1;")
    replay(root, database)
    with pytest.raises(DatabaseUnfit):
        replay(root, database)


def test_afterwards_only_newer_files_run_and_strictly(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(tmp_path, _20260101000000_a="create table a (id int); select nothing;", _20260103000000_c="select 1;")
    replay(root, database)
    folder(tmp_path, _20260102000000_late="create table never (id int);", _20260104000000_d="create table d (id int);")
    report = migrations.migrate(
        inventory(root).migrations,
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )
    assert [Path(path).stem for path in report.applied] == ["20260104000000_d"]
    assert [Path(path).stem for path in report.older] == ["20260102000000_late"]
    assert report.vanished == ()
    assert tables(database) == {"a", "d"}


def test_the_fingerprint_is_the_schemas_and_not_its_historys(tmp_path: Path) -> None:
    one = "create table a (x int, y text); create table b (id int primary key); create type k as enum ('p', 'q');"
    other = """
        create type k as enum ('q'); alter type k add value 'p' before 'q'; create table b (id int);
        alter table b add constraint b_pkey primary key (id); create table t (y text); alter table t rename to a;
        alter table a add column gone int; alter table a drop column gone; alter table a add column x int;
    """
    different = one + "grant select on a to pg_read_all_data;"
    found = []
    for number, text in enumerate((one, other, different)):
        with fresh_database() as database:
            root = folder(tmp_path / str(number), _20260101000000_a=text)
            outcome = replay(root, database)
            assert outcome.failed == ()
            found.append(outcome.fingerprint)
            assert ask(database, "select number, fingerprint, source from freehold.baselines") == [
                (0, outcome.fingerprint.sha256, "replay")
            ]
    assert found[0] == found[1]
    assert found[0].sha256 != found[2].sha256


def test_every_kind_of_object_changes_the_fingerprint(tmp_path: Path) -> None:
    base = "create table t (id int not null, a text); create function tr() returns trigger language plpgsql as "
    base += "'begin return new; end';"
    changes = [
        "alter table t alter a set default 'x'",
        "alter table t alter a set not null",
        "alter table t enable row level security",
        "create policy p on t using (true)",
        "create index on t (a)",
        "alter table t add check (id > 0)",
        "create trigger tr before insert on t for each row execute function tr()",
        "create trigger tr after insert on auth.users for each row execute function tr()",
        "create policy p on storage.objects using (false)",
        "create view v as select id from t",
        "revoke select on t from anon",
        "alter publication supabase_realtime add table t",
        "create function f() returns int language sql as 'select 1'",
        "create domain d as text check (value <> '')",
        "create schema s",
        "revoke execute on function tr() from public",
    ]
    seen = set()
    for number, change in enumerate(["select 1", *changes]):
        with fresh_database() as database:
            root = folder(tmp_path / str(number), _20260101000000_a=f"{base}\n{change};")
            outcome = replay(root, database)
            assert outcome.failed == (), change
            seen.add(outcome.fingerprint.sha256)
            shutil.rmtree(root)
    assert len(seen) == len(changes) + 1


TYPES = """
export type Database = {
  public: {
    Tables: {
      notes: {
        Row: { body: string | null; extra: number | null; id: string; state: Database["public"]["Enums"]["state"] }
        Insert: { body?: string | null; extra?: number | null; id?: string
                  state?: Database["public"]["Enums"]["state"] }
        Relationships: []
      }
      lost: {
        Row: { created_at: string; id: string; note_id: string; tags: string[]
               level: Database["public"]["Enums"]["level"] }
        Insert: { created_at?: string; id?: string; note_id: string; tags: string[]
                  level?: Database["public"]["Enums"]["level"] }
        Relationships: [
          { foreignKeyName: "lost_note_id_fkey", columns: ["note_id"], isOneToOne: false,
            referencedRelation: "notes", referencedColumns: ["id"] },
        ]
      }
      spatial_ref_sys: { Row: { srid: number }, Insert: { srid: number }, Relationships: [] }
    }
    Views: { overview: { Row: { id: string | null }, Relationships: [] } }
    Functions: { count_notes: { Args: never, Returns: number } }
    Enums: { state: "new" | "done" | "late"; level: "low" | "high" }
    CompositeTypes: { [_ in never]: never }
  }
}
"""
SQL = """
create type public.state as enum ('new', 'done');
create table public.notes (
  id uuid primary key default gen_random_uuid(), body text not null, state public.state, old int);
create table public.surplus (id int);
create function public.unknown_one() returns int language sql as 'select 1';
"""


def test_a_comparison_names_everything_that_differs(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a=SQL), database)
    found = schema.compare(TYPES, Secret(database.superuser_dsn))
    assert found.tables == ("public.lost", "public.notes")
    assert found.missing_tables == ("public.lost",)
    assert found.surplus_tables == ("public.surplus",)
    assert found.missing_views == ("public.overview",)
    assert found.missing_functions == ("public.count_notes",)
    assert found.surplus_functions == ("public.unknown_one",)
    assert found.missing_enums == ("public.level",)
    assert [(item.missing, item.surplus) for item in found.labels] == [(("late",), ())]
    assert {(item.column, item.kind) for item in found.columns} == {
        ("body", "nullable"),
        ("extra", "missing"),
        ("state", "nullable"),
        ("old", "surplus"),
    }
    assert found.of_extensions == ("public.spatial_ref_sys",)
    assert not found.complete


def test_what_only_types_know_is_made_closed_and_marked(tmp_path: Path, database: FreshDatabase) -> None:
    before = replay(folder(tmp_path, _20260101000000_a=SQL), database)
    dsns = {"owner_dsn": Secret(database.owner_dsn), "admin_dsn": Secret(database.superuser_dsn)}
    made = schema.fill_from_types(TYPES, **dsns, report=lambda _event: None)
    assert (made.tables, made.columns) == (("public.lost",), ("public.notes.extra",))
    assert [entry.message for entry in made.entries if entry.outcome == "failed"] == []
    assert ask(database, "select relrowsecurity from pg_class where relname = 'lost'") == [(True,)]
    assert policies(database, "lost") == {}
    assert "types.ts" in ask(database, "select obj_description('public.lost'::regclass)")[0][0]
    assert ask(
        database,
        "select format_type(atttypid, -1) from pg_attribute where attrelid = 'lost'::regclass and attname = 'note_id'",
    ) == [("uuid",)]
    assert ask(database, "select count(*) from pg_constraint where conname = 'lost_note_id_fkey'") == [(1,)]
    after = schema.compare(TYPES, Secret(database.superuser_dsn))
    assert (after.missing_tables, after.missing_enums, after.labels) == ((), (), ())
    assert made.fingerprint != before.fingerprint
    assert ask(database, "select fingerprint from freehold.baselines") == [(made.fingerprint.sha256,)]
    assert {item.what for item in made.unknowns} == {"reconstructed tables", "views"}
    again = schema.fill_from_types(TYPES, **dsns, report=lambda _event: None)
    assert (again.tables, again.columns, again.entries) == ((), (), ())


def test_names_in_types_cannot_carry_sql(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a="create table victim (id int);"), database)
    evil = """x\\"; drop table victim; --"""
    text = (
        TYPES.replace("lost:", f'"{evil}":')
        .replace("tags:", f'"{evil}":')
        .replace('"high"', '"h\'; drop table victim; --"')
    )
    schema.fill_from_types(
        text,
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )
    assert {"victim", evil.replace("\\", "")} <= tables(database)


def test_buckets_and_publications_that_nobody_made_are_proposed_and_not_made(
    tmp_path: Path, database: FreshDatabase
) -> None:
    text = (
        "create table notes (id int); create table told (id int); alter publication supabase_realtime add table told;"
    )
    text += "insert into storage.buckets (id, name) values ('there', 'there');"
    root = folder(tmp_path, _20260101000000_a=text)
    replay(root, database)
    used = inventory(root, buckets_used=("there", "it's"), tables_subscribed=("notes", "told", "*", "unknown"))
    found = schema.propose(used, Secret(database.superuser_dsn))
    assert [(item.kind, item.name) for item in found] == [("bucket", "it's"), ("publication", "notes")]
    assert ask(database, "select id from storage.buckets") == [("there",)]
    for item in found:
        with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
            connection.execute(item.statement)
    assert schema.propose(used, Secret(database.superuser_dsn)) == ()


def test_a_policy_that_asks_its_own_table_without_end_is_set_aside(tmp_path: Path, database: FreshDatabase) -> None:
    text = """
        create table people (id int, boss boolean);
        alter table people enable row level security;
        create policy "own" on people for select using (id = 1);
        create policy "bosses" on people using (exists (select from people as p where p.boss));
        create policy "never" on people as restrictive using (id < 100);
        create table orders (id int);
        alter table orders enable row level security;
        create policy "all" on orders using (true);
        create policy "bosses" on orders using (exists (select from people where boss));
        insert into people values (1, false), (2, true); insert into orders values (5);
        grant select on people, orders to authenticated;
    """
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert [(item.table, item.policy) for item in outcome.set_aside] == [("public.people", "bosses")]
    assert {*policies(database, "people")} == {"own", "never"}
    assert {*policies(database, "orders")} == {"all", "bosses"}
    assert "policies that ask themselves" in [item.what for item in outcome.unknowns]
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("set role authenticated")
        assert connection.execute("select id from people").fetchall() == [(1,)]
        assert connection.execute("select id from orders").fetchall() == [(5,)]


def test_of_a_circle_through_two_tables_the_newest_policy_goes(tmp_path: Path, database: FreshDatabase) -> None:
    text = """
        create table teams (id int); create table members (team int, who int);
        alter table teams enable row level security; alter table members enable row level security;
        create policy "members see" on teams for select using (exists (select from members as m where m.team = id));
        create policy "own" on members for select using (who = 1);
        create policy "team sees" on members for select using (exists (select from teams as t where t.id = team));
        create policy "into own" on members for insert with check (exists (select from teams as t where t.id = team));
    """
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert [(item.table, item.policy) for item in outcome.set_aside] == [("public.members", "team sees")]
    assert {*policies(database, "members")} == {"own", "into own"}


def test_a_policy_that_only_writing_asks_again_is_set_aside_for_writing(
    tmp_path: Path, database: FreshDatabase
) -> None:
    text = """
        create table kinds (id int); alter table kinds enable row level security;
        create table lines (id int); alter table lines enable row level security;
        create policy "read" on lines for select using (id in (select k.id from kinds as k));
        create policy "first" on lines for insert with check (not exists (select from lines));
        create policy "free" on lines for insert with check (true);
    """
    outcome = replay(folder(tmp_path, _20260101000000_a=text), database)
    assert [item.policy for item in outcome.set_aside] == ["first"]
    assert {*policies(database, "lines")} == {"read", "free"}
