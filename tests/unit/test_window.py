"""What a migration takes away from older releases: only additions keep the window open."""

import pytest

from freehold.core.inventory import MigrationFile
from freehold.data.migrations import window
from freehold.data.migrations.window import Existing

THERE = Existing(
    frozenset(
        {
            ("table", "public", "todos"),
            ("column", "public", "todos", "title"),
            ("table", "public", "overview"),
            ("function", "public", "touch"),
            ("policy", "public", "todos", "read"),
            ("type", "public", "mood"),
            ("trigger", "public", "todos", "touched"),
        }
    )
)
OPEN = """
create table public.lists (id int primary key, name text not null unique)
create table lists (id int); alter table lists enable row level security; alter table lists add unique (id)
create table lists (id int); create policy p on lists as restrictive using (true); drop policy p on lists
create table lists (id int); create trigger t before insert on lists for each row execute function touch()
create table lists (id int); insert into lists values (1); update lists set id = 2; delete from lists
create table lists (id int); revoke all on lists from anon
create table lists (id int); alter table lists rename column id to number
alter table todos add column done boolean
alter table todos add column done boolean not null default false
alter table todos add column if not exists number serial
alter table todos add column done boolean; update todos set done = false
alter table todos add column done boolean; alter table todos alter column done set not null
alter table todos alter column title set default ''
create index on todos (title)
create index concurrently todos_title on todos (title)
drop index todos_title
create function count_all() returns int language sql as 'select 1'
create or replace function other() returns int language sql as 'select 1'
create or replace function other() returns int language sql as 'select 1'; drop function other()
alter type mood add value 'calm'
create type colour as enum ('red')
create policy write on todos for insert to authenticated with check (true)
drop policy if exists nothing on todos; create policy nothing on todos for select using (true)
drop table if exists never_was
grant select on todos to anon
create view v as select 1
create materialized view m as select 1
create extension if not exists pgcrypto
insert into storage.buckets (id, name) values ('a', 'a')
alter publication supabase_realtime add table todos
comment on table todos is 'all of them'
select cron.schedule('a', '* * * * *', 'select 1')
do $$ begin if not exists (select from pg_type where typname = 'x') then create type x as enum ('a'); end if; end $$
set local lock_timeout = '1s'
""".strip().splitlines()
CLOSED = """
drop table todos | public.todos
drop table if exists todos cascade | public.todos
alter table todos drop column title | public.todos.title
alter table todos rename column title to name | public.todos.title
alter table todos rename to tasks | public.todos
alter table todos alter column title type varchar(10) | public.todos.title
alter table todos alter column title set not null | public.todos.title
alter table todos alter column title drop not null | public.todos.title
alter table todos add column done boolean not null | public.todos.done
alter table todos add constraint short check (length(title) < 9) | public.todos
alter table todos add constraint own foreign key (title) references lists (id) | public.todos
alter table todos enable row level security | public.todos
create unique index on todos (title) | public.todos
create or replace function touch() returns trigger language plpgsql as 'begin return new; end' | public.touch()
drop function touch() | public.touch()
create or replace view overview as select 1 | public.overview
alter policy read on todos using (false) | policy "read" on public.todos
drop policy read on todos | policy "read" on public.todos
drop policy if exists "read" on public.todos; create policy "read" on todos using (true) | policy "read" on public.todos
create policy narrow on todos as restrictive using (false) | policy "narrow" on public.todos
create trigger t before insert on todos for each row execute function touch() | trigger t on public.todos
drop trigger touched on todos | trigger "touched" on public.todos
revoke select on todos from anon | public.todos
alter default privileges in schema public revoke all on tables from anon | default privileges
alter type mood rename value 'calm' to 'quiet' | public.mood
drop type mood | public.mood
delete from todos | public.todos
update todos set title = '' | public.todos
truncate todos | public.todos
alter publication supabase_realtime drop table todos | publication supabase_realtime
select something_odd() | public.something_odd()
do $$ begin execute 'drop table ' || name; end $$ | do $$
do $$ begin drop table todos; end $$ | public.todos
do $$ begin execute 'drop table todos'; end $$ | public.todos
alter function touch() owner to anon | alter function touch()
create rule r as on insert to todos do instead nothing | create rule r
this is no sql | this is no sql
""".strip().splitlines()


def _judge(*texts: str) -> list[tuple[str, str, int]]:
    files = [MigrationFile(path=f"{n}.sql", version=str(n), sql=text) for n, text in enumerate(texts)]
    judged = window.judge(files, THERE)
    assert list(judged) == [file.path for file in files]
    return [(path, item.object, item.line) for path, found in judged.items() for item in found]


@pytest.mark.parametrize("sql", OPEN)
def test_an_addition_keeps_the_window_open(sql: str) -> None:
    assert _judge(sql) == []


@pytest.mark.parametrize("line", CLOSED)
def test_everything_else_closes_it_and_names_the_object(line: str) -> None:
    sql, _, named = line.rpartition(" | ")
    found = _judge(sql)
    assert found, sql
    assert found[0][1].lower().startswith(named.lower()), found


def test_what_one_file_of_a_deploy_makes_the_next_may_change() -> None:
    assert _judge("create table lists (id int)", "alter table lists drop column id; drop table lists") == []
    assert _judge("create function other() returns int language sql as ''", "drop function other()") == []


def test_the_line_of_the_statement_is_told() -> None:
    assert _judge("create table a (id int);\n\n-- then\ndrop table\n  todos;") == [("0.sql", "public.todos", 4)]


@pytest.mark.parametrize("name", ['"../../x"', '"a""b"', '"ünï"', '"' + "a" * 60 + '"', '"drop table x; --"'])
def test_hostile_names_are_only_names(name: str) -> None:
    assert _judge(f"create table {name} (id int); drop table {name}") == []
    assert _judge(f"drop table {name}")
