"""Migrations that fail, change, vanish or are killed."""

import multiprocessing
import os
import signal
import time

import psycopg
import pytest

from freehold.core.errors import MigrationChanged, MigrationFailed
from freehold.core.inventory import MigrationFile
from freehold.core.secret import Secret
from freehold.data.migrations import MigrationReport, migrate
from freehold.testing.database import FreshDatabase


def files(*texts: str) -> list[MigrationFile]:
    return [MigrationFile(path=f"m/{n:03}.sql", version=f"{n:03}", sql=sql) for n, sql in enumerate(texts, start=1)]


def run(database: FreshDatabase, given: list[MigrationFile]) -> MigrationReport:
    return migrate(
        given,
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )


def ask(database: FreshDatabase, sql: str) -> list[tuple]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def tables(database: FreshDatabase) -> list[str]:
    return [row[0] for row in ask(database, "select tablename from pg_tables where schemaname = 'public' order by 1")]


def test_a_refused_statement_leaves_the_database_as_before_its_file(database: FreshDatabase) -> None:
    given = files(
        "create table a (id int)", "create table b (id int);\n\n-- why\nselect *\nfrom nowhere;\n", "select 1"
    )
    with pytest.raises(MigrationFailed) as caught:
        run(database, given)
    assert caught.value.message == "m/002.sql was refused at line 5"
    assert 'relation "nowhere" does not exist (SQLSTATE 42P01)' in caught.value.detail
    assert "from nowhere" in caught.value.detail
    assert "same command" in caught.value.hint
    assert tables(database) == ["a"]
    rows = ask(database, "select path, number, outcome, sqlstate from freehold.migration_statements order by 1, 2")
    assert rows == [("m/001.sql", 1, "applied", None), ("m/002.sql", 2, "failed", "42P01")]


def test_a_corrected_file_carries_on_where_the_run_ended(database: FreshDatabase) -> None:
    with pytest.raises(MigrationFailed):
        run(database, files("create table a (id int)", "create table b (id nothing)"))
    report = run(database, files("create table a (id int)", "create table b (id int)", "create table c (id int)"))
    assert report.applied == ("m/002.sql", "m/003.sql")
    assert report.skipped == ("m/001.sql",)
    assert tables(database) == ["a", "b", "c"]
    assert ask(database, "select distinct status from freehold.migration_files") == [("applied",)]


def test_a_changed_file_is_refused_before_anything_runs(database: FreshDatabase) -> None:
    run(database, files("create table a (id int)"))
    with pytest.raises(MigrationChanged, match=r"m/001\.sql"):
        run(database, files("create table a (id bigint)", "create table b (id int)"))
    assert tables(database) == ["a"]


def test_line_ends_and_a_byte_order_mark_are_no_change(database: FreshDatabase) -> None:
    run(database, files("create table a (\nid int)"))
    assert run(database, files("\ufeffcreate table a (\r\nid int)")).applied == ()


def test_a_vanished_file_is_reported_and_nothing_is_taken_back(database: FreshDatabase) -> None:
    run(database, files("create table a (id int)", "create table b (id int)"))
    report = run(database, files("create table a (id int)"))
    assert report.vanished == ("m/002.sql",)
    assert tables(database) == ["a", "b"]


def test_files_older_than_the_baseline_are_reported_and_not_run(database: FreshDatabase) -> None:
    ask(
        database,
        "insert into freehold.migration_files (version, path, sha256, status)"
        " values ('002', 'm/002.sql', 'd', 'baseline') returning 1",
    )
    with pytest.raises(MigrationChanged):
        run(database, files("create table a ()", "create table b ()", "create table c ()"))
    given = [item for item in files("create table a ()", "", "create table c ()") if item.version != "002"]
    report = run(database, given)
    assert (report.older, report.applied) == (("m/001.sql",), ("m/003.sql",))
    assert tables(database) == ["c"]


def test_the_revision_changes_with_each_file(database: FreshDatabase) -> None:
    revisions = {run(database, files(*["select 1"] * count)).revision for count in (0, 1, 2, 2)}
    assert len(revisions) == 3
    assert "" in revisions


def test_own_transactions_concurrent_indexes_and_new_enum_values_apply(database: FreshDatabase) -> None:
    sql = """
        begin; create table a (id int, kind text); create type mood as enum ('sad'); commit;
        create index concurrently a_id on a (id);
        alter type mood add value if not exists 'glad';
        alter table a add column mood mood default 'glad';
        insert into a (id) values (1);
        begin; drop table a; rollback;
        drop index concurrently a_id;
    """
    assert run(database, files(sql)).applied == ("m/001.sql",)
    assert run(database, files(sql)).applied == ()
    assert ask(database, "select id, mood::text from a") == [(1, "glad")]


def test_a_file_in_parts_is_not_run_twice_from_the_start(database: FreshDatabase) -> None:
    begun = "create table a (id int); create index concurrently a_id on a (id);\n"
    with pytest.raises(MigrationFailed):
        run(database, files(begun + "insert into a values ('x')"))
    with pytest.raises(MigrationChanged, match="in part"):
        run(database, files(begun.replace("id int", "id bigint") + "insert into a values (1)"))
    run(database, files(begun + "insert into a values (1)"))
    assert ask(database, "select * from a") == [(1,)]


def test_an_invalid_index_of_an_interrupted_build_is_built_anew(database: FreshDatabase) -> None:
    run(database, files("create table a (id int); insert into a values (1), (1)"))
    build = "create unique index concurrently if not exists a_id on a (id)"
    with pytest.raises(MigrationFailed):
        run(database, files("create table a (id int); insert into a values (1), (1)", build))
    assert ask(database, "select indisvalid from pg_index where indexrelid = 'a_id'::regclass") == [(False,)]
    ask(database, "delete from a where ctid = (select min(ctid) from a) returning 1")
    run(database, files("create table a (id int); insert into a values (1), (1)", build))
    assert ask(database, "select indisvalid from pg_index where indexrelid = 'a_id'::regclass") == [(True,)]


def test_what_a_file_sets_ends_with_it(database: FreshDatabase) -> None:
    run(
        database, files("set role anon; set search_path = auth; set statement_timeout = 900", "create table a (id int)")
    )
    assert tables(database) == ["a"]


def test_secrets_in_a_statement_stay_out_of_the_error(database: FreshDatabase) -> None:
    with pytest.raises(MigrationFailed) as caught:
        run(database, files("select nothing('sk_live_0123456789012345678901234567')"))
    assert "sk_live" not in str(caught.value.detail)


def test_a_missing_extension_is_named(database: FreshDatabase) -> None:
    with pytest.raises(MigrationFailed) as caught:
        run(database, files("create extension postgis; create table a (place geometry)"))
    assert "no extension postgis" in caught.value.hint


LONG = [f"create table t{n} (id int); insert into t{n} values (1); select pg_sleep(0.02);" for n in range(12)]
LONG.append("create table last (id int); create index concurrently last_id on last (id); insert into last values (1)")


def _run_in_a_process(owner_dsn: str, admin_dsn: str) -> None:
    migrate(files(*LONG), owner_dsn=Secret(owner_dsn), admin_dsn=Secret(admin_dsn), report=lambda _event: None)


def test_killed_again_and_again_it_ends_in_the_same_state(database: FreshDatabase) -> None:
    context = multiprocessing.get_context("fork")
    for delay in (0.05, 0.15, 0.25, 0.35):
        process = context.Process(target=_run_in_a_process, args=(database.owner_dsn, database.superuser_dsn))
        process.start()
        time.sleep(delay)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    run(database, files(*LONG))
    assert len(tables(database)) == 13
    for table in tables(database):
        assert ask(database, f"select * from {table}") == [(1,)]
    assert ask(database, "select count(*) from freehold.approved") == [(0,)]


def test_two_runs_at_once_take_turns(database: FreshDatabase) -> None:
    context = multiprocessing.get_context("fork")
    arguments = (database.owner_dsn, database.superuser_dsn)
    runs = [context.Process(target=_run_in_a_process, args=arguments) for _ in range(2)]
    for process in runs:
        process.start()
    for process in runs:
        process.join()
    assert [process.exitcode for process in runs] == [0, 0]
    assert len(tables(database)) == 13
