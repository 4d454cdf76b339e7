"""Migrations under a running app: consent, what closes the window for older releases, and tables that others hold."""

import threading

import psycopg
import pytest

from freehold.core.errors import BadUsage, NotAccepted
from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.secret import Secret
from freehold.data import migrations
from freehold.data.migrations import Consent
from freehold.testing.database import FreshDatabase

FIRST = "create table public.todos (id int primary key, title text, note text); insert into todos values (1, 'a', 'b');"


def _files(*texts: str) -> list[MigrationFile]:
    return [MigrationFile(path=f"m/{n}_x.sql", version=str(n), sql=text) for n, text in enumerate(texts, start=1)]


def _migrate(database: FreshDatabase, *texts: str, accept: str = "") -> migrations.MigrationReport:
    events: list[Event] = []
    return migrations.migrate(
        _files(*texts),
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=events.append,
        consent=Consent(frozenset({accept} - {""}), "anna"),
    )


def _columns(database: FreshDatabase) -> list[str]:
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute("select column_name from information_schema.columns where table_name = 'todos'")
        return sorted(str(row[0]) for row in rows)


def test_additions_need_no_word_and_keep_the_window_open(database: FreshDatabase) -> None:
    first = _migrate(database, FIRST)
    second = _migrate(database, FIRST, "alter table todos add column done boolean not null default false;")
    assert second.position > first.position > 0
    assert migrations.closed_since(Secret(database.superuser_dsn), first.position) == migrations.Window(
        position=second.position
    )


def test_what_takes_away_wants_its_name_and_is_recorded(database: FreshDatabase) -> None:
    first = _migrate(database, FIRST)
    drop = "alter table todos add column more text;\nalter table todos drop column note;"
    with pytest.raises(NotAccepted) as caught:
        _migrate(database, FIRST, drop)
    assert "line 2: public.todos.note: the column is dropped" in caught.value.detail
    assert "--accept 2_x" in caught.value.hint
    assert _columns(database) == ["id", "note", "title"]
    with pytest.raises(BadUsage):
        _migrate(database, FIRST, drop, accept="another")
    _migrate(database, FIRST, drop, accept="2_x")
    assert _columns(database) == ["id", "more", "title"]
    closed = migrations.closed_since(Secret(database.superuser_dsn), first.position).closed
    assert [(path, item.object, item.line) for path, item in closed] == [("m/2_x.sql", "public.todos.note", 2)]
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute("select accepted_by from freehold.migration_windows where path = 'm/2_x.sql'")
        assert row.fetchone() == ("anna",)


def test_a_file_that_failed_closes_only_what_ran_of_it(database: FreshDatabase) -> None:
    first = _migrate(database, FIRST)
    broken = "alter table todos drop column note; select 1/0;"
    with pytest.raises(Exception, match="refused at line 1"):
        _migrate(database, FIRST, broken, accept="2_x")
    assert migrations.closed_since(Secret(database.superuser_dsn), first.position).closed == ()
    parted = "alter table todos drop column note; commit; select 1/0;"
    with pytest.raises(Exception, match="refused at line 1"):
        _migrate(database, FIRST, parted, accept="2_x")
    assert len(migrations.closed_since(Secret(database.superuser_dsn), first.position).closed) == 1
    assert _columns(database) == ["id", "title"]


def test_looking_ahead_changes_nothing(database: FreshDatabase) -> None:
    _migrate(database, FIRST)
    ahead = migrations.look(_files(FIRST, "drop table todos;"), Secret(database.superuser_dsn))
    assert {path: [item.object for item in found] for path, found in ahead.items()} == {"m/2_x.sql": ["public.todos"]}
    assert _columns(database) == ["id", "note", "title"]


def test_a_table_that_others_hold_is_waited_for_without_holding_up_the_app(database: FreshDatabase) -> None:
    """Others have to be able to read while the migration waits: a plain ALTER would make them queue behind it."""
    _migrate(database, FIRST)
    waiting = threading.Event()
    with psycopg.connect(database.superuser_dsn) as holder, psycopg.connect(database.superuser_dsn) as reader:
        holder.execute("select from todos")
        done: list[migrations.MigrationReport] = []
        sql = "alter table todos add column done boolean;"
        worker = threading.Thread(target=lambda: done.append(_migrate(database, FIRST, sql)))
        worker.start()
        reader.execute("set statement_timeout = '20s'")
        reader.commit()
        for _ in range(30):
            reader.execute("select count(*) from todos")
            reader.commit()
            waiting.wait(0.05)
        assert worker.is_alive()
        holder.rollback()
        worker.join(60)
    assert len(done) == 1
    assert "done" in _columns(database)


def test_a_restore_point_is_made_before_anything_changes(database: FreshDatabase) -> None:
    report = _migrate(database, FIRST)
    assert report.restore_point.startswith("freehold-")
    assert _migrate(database, FIRST).restore_point == ""


def test_what_cannot_run_in_a_transaction_runs_alone(database: FreshDatabase) -> None:
    _migrate(database, FIRST, "create type mood as enum ('calm');")
    more = (
        "alter type mood add value 'quick';\nalter table todos add column mood mood default 'quick';\n"
        "create index concurrently todos_title on todos (title);\nvacuum todos;"
    )
    _migrate(database, FIRST, "create type mood as enum ('calm');", more)
    with psycopg.connect(database.superuser_dsn) as connection:
        row = connection.execute("select indisvalid from pg_index where indexrelid = 'public.todos_title'::regclass")
        assert row.fetchone() == (True,)
