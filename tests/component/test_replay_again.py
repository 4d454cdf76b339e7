"""Statements that a replay could not run, after stand-ins for what they lacked were made."""

from pathlib import Path

import psycopg
from replay_world import folder, inventory, replay

from freehold.core.secret import Secret
from freehold.data import schema
from freehold.data.schema import bodies, queried, returned
from freehold.testing.database import FreshDatabase

ASKED = {"people": ({"name": ""}, ()), "teams": ({"title": ""}, ())}


def again(root: Path, database: FreshDatabase) -> schema.Again:
    return schema.run_again(schema.union(root, inventory(root)).files, **_dsns(database), report=lambda _event: None)


def fill(database: FreshDatabase, asked: dict = ASKED, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    made = schema.fill_from_queries(asked, **_dsns(database), report=lambda _event: None, without=without)
    return made.tables


def _dsns(database: FreshDatabase) -> dict[str, Secret]:
    return {"owner_dsn": Secret(database.owner_dsn), "admin_dsn": Secret(database.superuser_dsn)}


def ask(database: FreshDatabase, query: str) -> list[tuple]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()


HISTORY = """
    alter table people add column age int;
    create policy "see" on people for select using (boss_id = auth.uid());
    create table teams (id uuid primary key, lead uuid references people (id), founded date);
    create function oldest() returns int language plpgsql as 'begin return (select p.years from people as p); end';
"""


def test_the_apps_own_statements_come_before_guesses(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(tmp_path, _20260101000000_a=HISTORY)
    assert len(replay(root, database).failed) == 3
    assert again(root, database).creates == {"teams"}

    assert fill(database, without=frozenset({"teams"})) == ("public.people",)
    second = again(root, database)
    assert second.ran == 2
    assert second.columns == {"people": {"boss_id", "years"}}
    assert ("founded", "date") in ask(
        database, "select attname, atttypid::regtype::text from pg_attribute where attrelid = 'teams'::regclass"
    )

    fill(database, {"people": (dict.fromkeys(("boss_id", "years"), ""), ())})
    third = again(root, database)
    assert (third.ran, third.columns) == (1, {})
    assert ask(database, "select policyname from pg_policies where tablename = 'people'") == [("see",)]
    assert ask(database, "select count(*) from freehold.migration_statements where outcome = 'failed'") == [(0,)]


def test_it_does_nothing_twice_and_nothing_older_over_something_newer(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(
        tmp_path,
        _20260101000000_a="""
            create policy "p" on people for select using (name = 'a');
            create policy "gone" on people for select using (true);
        """,
        _20260102000000_b="""
            drop policy if exists "gone" on people;
            drop policy if exists "p" on people;
            create policy "p" on people for select using (name = 'b');
        """,
    )
    replay(root, database)
    fill(database)
    first = again(root, database)
    rules = ask(database, "select policyname, qual from pg_policies where tablename = 'people'")
    assert [name for name, _ in rules] == ["p"]
    assert "'b'" in rules[0][1]
    assert first.ran > 0
    assert again(root, database).ran == 0


def test_a_circle_that_comes_with_a_stand_in_is_set_aside(tmp_path: Path, database: FreshDatabase) -> None:
    text = 'create policy "bosses" on people for select using (exists (select from people as p where p.name = name));'
    root = folder(tmp_path, _20260101000000_a=text)
    assert replay(root, database).set_aside == ()
    fill(database)
    assert [item.policy for item in again(root, database).set_aside] == ["bosses"]


def test_what_is_filled_later_does_not_hide_what_was_filled_first(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a="select 1;"), database)
    fill(database)
    fill(database, {"things": ({"a": ""}, ())})
    made = ask(
        database,
        "select count(*) from freehold.migration_statements where path = 'queries' and kind = 'create'",
    )
    assert made == [(3,)]


def test_a_key_that_only_upserts_name_is_made_once(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a="create table roles (who int, what int, unique (who, what));"), database)
    wanted = {"roles": {("who",), ("what", "who"), ("absent",)}, "nowhere": {("id",)}}

    def add() -> tuple[str, ...]:
        return schema.add_keys(wanted, **_dsns(database), report=lambda _event: None)

    assert add() == ("roles (who)",)
    assert add() == ()
    assert ask(database, "insert into roles values (1, 2) on conflict (who) do nothing returning what") == [(2,)]


def test_a_key_that_only_a_function_names_is_made(tmp_path: Path, database: FreshDatabase) -> None:
    history = """
        create table purses (owner int, coins int);
        create function open_purse(one int) returns void language plpgsql as $$ begin
          insert into public.purses (owner, coins) values (one, 0) on conflict (owner) do nothing;
        end $$;
    """
    replay(folder(tmp_path, _20260101000000_a=history), database)
    assert schema.add_keys({}, **_dsns(database), report=lambda _event: None) == ("purses (owner)",)
    ask(database, "select open_purse(1), open_purse(1)")
    assert ask(database, "select count(*) from purses") == [(1,)]


def test_keys_are_read_from_bodies_of_functions() -> None:
    body = """
        insert into public.people (name) select n from others on conflict (name, "team") do update set name = 'x';
        insert into teams (a) values (1); insert into parts (a) values (1) on conflict (lower(a)) do nothing;
        insert into some (a) values (1) on conflict (a) where b do nothing; -- insert into q (a) on conflict (a) do
    """
    assert [*bodies.keys(body)] == [("people", ("name", "team"))]


RETURNS = """
    create function songs_of(one uuid) returns table (id uuid, title text, seconds integer, since date, plays bigint)
    language plpgsql as $$ begin
      return query select s.id, s.title, s.seconds, coalesce(s.started, current_date) as since, s.plays::bigint
        from songs s where s.id = one;
    end $$;
"""


def test_stand_ins_get_the_types_that_functions_return(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a=RETURNS), database)
    fill(database, {"songs": (dict.fromkeys(("title", "seconds", "started", "plays"), ""), ())})
    own = "create table public.kept (seconds numeric); comment on table public.songs is 'of the app'"
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(own)

    def suit() -> tuple[str, ...]:
        return schema.suit(**_dsns(database), report=lambda _event: None)

    assert suit() == ("songs.seconds: integer", "songs.started: date")
    assert suit() == ()
    assert ask(database, "select count(*) from songs_of(gen_random_uuid())") == [(0,)]
    assert ask(
        database,
        "select format_type(atttypid, null) from pg_attribute where attrelid = 'kept'::regclass and attnum > 0",
    ) == [("numeric",)]


def test_a_table_that_is_there_gets_the_foreign_key_that_is_embedded_by(
    tmp_path: Path, database: FreshDatabase
) -> None:
    history = """
        create table people (id uuid primary key);
        create table cards (id uuid primary key, user_id uuid unique);
        create table notes (
          id uuid primary key, writer uuid, reader uuid references people (id), people_id uuid, owner_id uuid
        );
        insert into notes values (gen_random_uuid(), gen_random_uuid(), null);
    """
    replay(folder(tmp_path, _20260101000000_a=history), database)
    asked = {
        "notes": ({}, (("people", "writer"), ("people", "reader"), ("people", ""), ("cards", "owner_id"))),
        "people": ({}, ()),
        "cards": ({}, ()),
    }
    for _ in range(2):
        fill(database, asked)
        found = ask(database, "select conname from pg_constraint where contype = 'f' and conrelid = 'notes'::regclass")
        assert sorted(found) == [("notes_reader_fkey",), ("notes_writer_fkey",)]
    assert ask(database, "select count(*) from freehold.migration_statements where outcome = 'failed'") == [(0,)]


def test_most_functions_decide_a_type() -> None:
    body = "select t.a, x.b from things t join others x on true"
    functions = [(body, {"a": "integer"}), (body, {"a": "bigint"}), (body, {"a": "bigint", "b": "date"})]
    assert returned.types(functions, {"things"}) == {("things", "a"): "bigint"}


def test_ids_of_people_who_are_kept_elsewhere_are_text(tmp_path: Path, database: FreshDatabase) -> None:
    replay(folder(tmp_path, _20260101000000_a="select 1;"), database)
    asked = {"plans": (dict.fromkeys(("user_id", "team_id"), ""), ())}
    fill(database, queried.with_text_ids(asked))
    types = ask(
        database, "select attname, atttypid::regtype::text from pg_attribute where attrelid = 'plans'::regclass"
    )
    assert {("user_id", "text"), ("team_id", "uuid"), ("id", "uuid")} <= {*types}


def test_columns_are_read_from_bodies_of_functions() -> None:
    body = """
        -- from people q where q.comment
        select p.name, t.title from public.people as p join other t on true;
        insert into people (first, "last") values (1, 'x.y');
        update people set seen = now(), count = count + 1 where id = 1;
        select people.whole, p.method() from people;
    """
    found = {column for table, column in bodies.used(body, {"people"}) if table == "people"}
    assert found == {"name", "first", "last", "seen", "count", "whole"}
    into = "select jsonb_build_object('age', p.age) into result from people p left join teams on true;"
    assert [*bodies.used(into, {"people"})] == [("people", "age")]
    body = """
        declare mine text; begin
        select name, team, mine into one from public.people where id = 1;
        select a, b from people, others; select count(*) from people; select t.x from people t;
    """
    assert [*bodies.read_plainly(body, {"people"})] == [("people", "name"), ("people", "team")]


def test_a_column_that_an_embed_names_in_place_of_a_table_is_none(tmp_path: Path, database: FreshDatabase) -> None:
    root = folder(
        tmp_path,
        _20260101000000_a="create table plans (id uuid primary key, name text);"
        "create table shops (id uuid primary key, plan_id uuid references plans, town uuid);",
    )
    assert replay(root, database).failed == ()
    asked = {
        "shops": ({}, {("plan_id", ""), ("town", "")}),
        "plan_id": ({"name": ""}, ()),
        "town": ({"name": ""}, ()),
    }
    assert fill(database, asked) == ("public.town",)


TYPES = """
export type Database = {
  public: {
    Tables: {
      roles: {
        Row: { id: string; name: string; made_at: string }
        Insert: { id: string; name: string; made_at: string }
        Update: { id?: string; name?: string; made_at?: string }
        Relationships: []
      }
      people: {
        Row: { id: string; role_id: string }
        Insert: { id?: string; role_id: string }
        Update: { id?: string; role_id?: string }
        Relationships: [
          {
            foreignKeyName: "people_role_id_fkey"
            columns: ["role_id"]
            isOneToOne: false
            referencedRelation: "roles"
            referencedColumns: ["id"]
          },
        ]
      }
    }
    Views: { [_ in never]: never }
    Functions: { [_ in never]: never }
    Enums: { [_ in never]: never }
    CompositeTypes: { [_ in never]: never }
  }
}
"""


def test_an_id_that_the_history_fills_with_a_word_is_text(tmp_path: Path, database: FreshDatabase) -> None:
    rows = "insert into roles (id, name, made_at) values ('admin', 'All', '2026-01-01') on conflict (id) do nothing;"
    root = folder(tmp_path, _20260101000000_a=rows)
    assert len(replay(root, database).failed) == 1
    history = schema.union(root, inventory(root)).files
    schema.fill_from_types(TYPES, **_dsns(database), report=lambda _event: None, history=history)
    assert again(root, database).ran == 1
    assert ask(database, "select id, extract(year from made_at)::int from roles") == [("admin", 2026)]
    kinds = "select attname, atttypid::regtype::text from pg_attribute where attrelid = 'people'::regclass"
    assert {("id", "uuid"), ("role_id", "text")} <= set(ask(database, kinds))
