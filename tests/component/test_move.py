"""A whole project moved from real PostgreSQL to real PostgreSQL, and held against its source."""

from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import bcrypt
import dumps
import psycopg
import pytest
from move_world import Target, dump, live, project, write_files
from supabase_project import BCRYPT, PASSWORD

from freehold.core.errors import MoveFailed, MoveRefused, SourceBlind
from freehold.core.secret import Secret
from freehold.data.move import decisions, ledger
from freehold.data.move.refresh import refresh
from freehold.data.move.verify import Verified, verify
from freehold.data.sources import copy_text
from freehold.data.sources.live import open_live
from freehold.kit import row_digest
from freehold.testing import database as databases

FILES = 6


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_files(tmp_path / "files", FILES)


def outcomes(target: Target) -> dict[str, int]:
    return {
        str(name): int(str(count))
        for name, count in target.ask("select outcome, count(*) from freehold.move_items group by 1")
    }


def notes(target: Target, outcome: str) -> dict[str, str]:
    rows = target.ask(
        f"select kind || ' ' || schema || '.' || name, note from freehold.move_items where outcome = '{outcome}'"
    )
    return {str(what): str(note) for what, note in rows}


def test_a_live_project_arrives_whole(source: databases.FreshDatabase, target: Target, files: Path) -> None:
    with live(source) as opened:
        target.take(opened, files)
        found = verify(opened, target.destination, target.events.append)
    assert found.faults == ()
    assert set(outcomes(target)) == {"moved", "replaced", "left"}
    assert {table.name for table in found.tables} >= {
        "public.tasks", "public.events_2026", 'app.Odd "name" (1), $x', "auth.users", "auth.refresh_tokens",
        "storage.objects", "pgmq.q_mails",
    }  # fmt: skip
    assert found.files.fetched == FILES
    assert found.users == {"bcrypt": 24, "none": 3, "encrypted": 3}
    assert set(notes(target, "left")) == {
        "EVENT TRIGGER .app_watch", "TABLE DATA vault.secrets", "VAULT SECRET .mail_key",
        "TABLE DATA cron.job_run_details",
    }  # fmt: skip
    assert {(count.name, count.source) for count in found.counts} >= {
        ("rls_policies", 3),
        ("enums", 1),
        ("auth_users", 30),
    }


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "zstd", "sql"])
def test_a_dump_of_every_form_arrives_whole(
    source: databases.FreshDatabase, target: Target, files: Path, tmp_path: Path, compression: str
) -> None:
    path = tmp_path / "project.dump"
    if compression == "sql":
        dumps.pg_dump(source.superuser_dsn, path, "-Fp")
    else:
        dumps.custom(source.superuser_dsn, path, compression)
    with dump(path) as opened:
        target.take(opened, files)
        found = verify(opened, target.destination, target.events.append)
    assert found.faults == ()
    # The dump's own bytes are one witness; the database that it was made of is another.
    with live(source) as opened:
        again = verify(opened, target.destination, target.events.append)
    assert again.faults == ()
    assert len(again.tables) == len(found.tables)


def test_rights_are_the_source_s_and_no_wider(source: databases.FreshDatabase, target: Target) -> None:
    """The platform's own default rights would give a table to everybody that the source had closed."""
    with live(source) as opened:
        target.take(opened)
    query = """
      select c.relname, r.rolname, has_table_privilege(r.oid, c.oid, 'select'),
             has_table_privilege(r.oid, c.oid, 'insert')
        from pg_class as c, pg_roles as r
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')
         and r.rolname in ('anon', 'authenticated', 'service_role', 'app_reporter')
      union all
      select p.proname, r.rolname, has_function_privilege(r.oid, p.oid, 'execute'), null
        from pg_proc as p, pg_roles as r
       where p.pronamespace = 'public'::regnamespace and r.rolname in ('anon', 'authenticated', 'service_role')
      union all
      select 'default ' || d.defaclobjtype::text, d.defaclacl::text, null, null from pg_default_acl as d
       where d.defaclnamespace = 'public'::regnamespace and d.defaclrole = 'postgres'::regrole
       order by 1, 2"""
    with psycopg.connect(source.superuser_dsn) as connection:
        wanted = connection.execute(query).fetchall()  # type: ignore[arg-type]
    assert target.ask(query) == wanted
    assert ("secrets_of_staff", "anon", False, False) in wanted


def test_what_was_moved_works(source: databases.FreshDatabase, target: Target) -> None:
    with live(source) as opened:
        target.take(opened)
    assert bcrypt.checkpw(PASSWORD.encode(), BCRYPT.encode())
    with psycopg.connect(target.database.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into auth.users (id, email, raw_user_meta_data)"
            " values (gen_random_uuid(), 'new@example.org', '{\"name\": \"N\"}')"
        )
        assert connection.execute("select count(*) from public.profiles where name = 'N'").fetchone() == (1,)
        assert connection.execute(
            "insert into public.tasks (project_id, body) values (1, 'x') returning id"
        ).fetchone() == (1501,)
        assert connection.execute(
            "select count(*) from pg_publication_tables where tablename = 'tasks'"
        ).fetchone() == (1,)
        assert connection.execute("select sum(n) from public.task_counts").fetchone() == (500,)
        jobs = connection.execute("select jobname, schedule, username from cron.job order by 1").fetchall()
        assert jobs == [("nightly", "0 3 * * *", "postgres"), (None, "*/5 * * * *", "postgres")]
        assert connection.execute("select queue_length from pgmq.metrics('mails')").fetchone() == (5,)


def spoil(target: Target, statement: str) -> None:
    with psycopg.connect(target.database.superuser_dsn, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode())


LOSSES = (
    ("delete from public.tasks where id = 7", "public.tasks: 500 rows at the source, 499 here"),
    ("update public.events set kind = kind || '.' where id = 7", "public.events_rest: rows differ"),
    ("insert into public.log_without_key values ('same', null)", "public.log_without_key: 101 rows"),
    ('drop policy "own profile" on public.profiles', "is gone since the move: policy public.profiles"),
    ("drop trigger on_auth_user_created on auth.users", "is gone since the move: trigger"),
    ("drop index public.profiles_tags_idx", "is gone since the move: index"),
    ('drop policy "own papers" on storage.objects', "is gone since the move: policy storage.objects"),
    ("revoke select (id) on public.secrets_of_staff from authenticated", "is gone since the move: grant"),
    ("select setval('public.tasks_id_seq', 10)", "sequence public.tasks_id_seq lags"),
    ("update auth.users set encrypted_password = 'x' where email like 'user1@%'", "auth.users: rows differ"),
    ("delete from storage.buckets where id = 'papers'", "storage.buckets: 2 rows"),
    ("update public.projects set share = 33.31 where id = 9", "public.projects: rows differ"),
)


def test_every_kind_of_loss_is_seen(moved: tuple[Target, databases.FreshDatabase]) -> None:
    target, source = moved
    for statement, _ in LOSSES:
        spoil(target, f"set storage.allow_delete_query = 'true'; {statement}")
    path = next(path for path in sorted(target.objects.rglob("*")) if path.is_file())
    path.write_bytes(b"other")
    found = check(target, source)
    for _, fault in (*LOSSES, ("", "file ")):
        assert any(line.startswith(fault) for line in found.faults), (fault, found.faults)
    [tasks] = [table for table in found.tables if table.name == "public.tasks"]
    assert (tasks.only_source, tasks.only_target) == (("id=7",), ())
    assert found.document()["equal"] is False


@pytest.fixture
def moved(source: databases.FreshDatabase, target: Target, files: Path) -> tuple[Target, databases.FreshDatabase]:
    with live(source) as opened:
        target.take(opened, files)
    return target, source


def check(target: Target, source: databases.FreshDatabase) -> Verified:
    with live(source) as opened:
        return verify(opened, target.destination, target.events.append)


def test_rows_of_a_large_table_are_hashed_where_they_are(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    """A server hashes them itself; here the same is done through another connection."""
    asked: list[str] = []

    def far(statement: str) -> tuple[int, int]:
        asked.append(statement)
        with target.destination.admin() as there, there.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            return row_digest.of_lines(copy_text.lines(map(bytes, copy)))

    with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
        large = "select n, E'a\\tb\\n' || repeat(md5(n::text), 12) as body from generate_series(1, 4000) as n"
        connection.execute(f"create table public.large as {large}".encode())
    try:
        path = dumps.custom(source.superuser_dsn, tmp_path / "project.dump", "zstd")
        with dump(path) as opened:
            target.take(opened)
            destination = replace(target.destination, far=far)
            assert verify(opened, destination, target.events.append).faults == ()
            spoil(target, "update public.large set body = body || '.' where n = 7")
            faults = verify(opened, destination, target.events.append).faults
    finally:
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("drop table public.large")
    assert faults == ("public.large: rows differ",)
    assert sum('"large"' in statement for statement in asked) == 2
    assert not any('"projects"' in statement for statement in asked), "it is small"


def test_files_without_bytes_and_bytes_without_rows_are_named(
    source: databases.FreshDatabase, target: Target, files: Path
) -> None:
    (files / "avatars/folder/file 2.txt").unlink()
    (files / "papers/nobody knows me").write_bytes(b"x")
    (files / "papers/folder/file 1.txt").write_bytes(b"another length than its row says")
    with live(source) as opened:
        target.take(opened, files)
        found = verify(opened, target.destination, target.events.append)
    left = notes(target, "left")
    assert left["FILE .avatars/folder/file 2.txt"] == "its row has no bytes at the source"
    assert left["FILE .papers/nobody knows me"].startswith("bytes without a row")
    assert left["FILE .papers/folder/file 1.txt"].startswith("its row says another size")
    assert target.ask("select count(*) from storage.objects") == [(FILES - 1,)]
    assert found.faults == ()


def test_without_a_place_for_files_they_are_counted_and_left(source: databases.FreshDatabase, target: Target) -> None:
    with live(source) as opened:
        target.take(opened)
    assert notes(target, "left")["TABLE DATA storage.objects"].startswith(f"{FILES} files: say where")
    assert target.ask("select count(*) from storage.objects") == [(0,)]


def test_moving_again_changes_nothing(moved: tuple[Target, databases.FreshDatabase], files: Path) -> None:
    target, source = moved
    before = outcomes(target)
    with live(source) as opened:
        again = target.take(opened, files)
    assert again.resumed
    assert outcomes(target) == before
    assert check(target, source).faults == ()


def test_a_source_that_went_on_between_two_runs_is_caught_up(postgres_server: databases.Server, target: Target) -> None:
    with project(postgres_server) as source:
        with live(source) as opened:
            target.take(opened)
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute(
                "update public.tasks set body = 'changed' where id = 3; delete from public.tasks where id = 4"
            )
            connection.execute(
                "insert into public.projects (owner_id, title) select owner_id, 'later' from public.projects limit 1"
            )
        with live(source) as opened:
            target.take(opened)
            assert set(refresh(opened, target.destination, target.events.append)) == {"public.projects", "public.tasks"}
            assert verify(opened, target.destination, target.events.append).faults == ()


def test_a_schema_that_changed_between_two_runs_is_refused(
    postgres_server: databases.Server, target: Target, tmp_path: Path
) -> None:
    """What is there would be a mixture of both; rows alone may change, see above."""
    (tmp_path / "wrong").mkdir()
    with project(postgres_server) as source:
        with live(source) as opened, pytest.raises(MoveRefused, match="not one of"):
            target.take(opened, tmp_path / "wrong")
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("alter table public.tasks add column later text")
        with live(source) as opened, pytest.raises(MoveRefused, match="schema at the source has changed"):
            target.take(opened)
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("alter table public.tasks drop column later")
        with live(source) as opened:
            target.take(opened)
            refresh(opened, target.destination, target.events.append)
            assert verify(opened, target.destination, target.events.append).faults == ()


def test_a_table_that_the_source_has_since_is_told_as_missing(
    postgres_server: databases.Server, target: Target
) -> None:
    with project(postgres_server) as source:
        with live(source) as opened:
            target.take(opened)
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("create table public.a_later_one (id int primary key)")
        found = check(target, source)
    assert "table public.a_later_one: is at the source and was not in what was moved" in found.faults
    assert {table.name for table in found.tables} >= {"public.tasks", "auth.users"}
    assert not [fault for fault in found.faults if "a_later_one" not in fault]


def test_another_source_or_a_used_target_is_refused(
    source: databases.FreshDatabase, target: Target, postgres_server: databases.Server
) -> None:
    spoil(target, "create table public.mine (id int)")
    with live(source) as opened, pytest.raises(MoveRefused, match="not empty"):
        target.take(opened)
    spoil(target, "drop table public.mine")
    with live(source) as opened:
        target.take(opened)
    with (
        databases.fresh_database(postgres_server) as other,
        live(other) as opened,
        pytest.raises(MoveRefused, match="another source"),
    ):
        target.take(opened)


def test_two_moves_at_once_do_not_meet(source: databases.FreshDatabase, target: Target) -> None:
    """Two people at two machines, into one database: the second is told, whatever the first is at."""
    with live(source) as opened:
        with target.destination.admin() as first:
            ledger.take_lock(first)
            with pytest.raises(MoveRefused, match="another move"):
                target.take(opened)
        target.take(opened)
        with target.destination.admin() as first:
            ledger.take_lock(first)
            with pytest.raises(MoveRefused, match="another move"):
                refresh(opened, target.destination, target.events.append)
        assert refresh(opened, target.destination, target.events.append) == ()


def test_a_move_that_has_just_ended_is_no_other_move(target: Target) -> None:
    """Its session is noticed to have ended after a moment, and the next command may be quicker."""
    with target.destination.admin() as ended, target.destination.admin() as admin:

        class Second:
            asked = 0

            def execute(self, statement: LiteralString) -> psycopg.Cursor:
                self.asked += 1
                if self.asked == 3:
                    ended.execute("select pg_advisory_unlock_all()")
                return admin.execute(statement)

        ledger.take_lock(ended)
        second = Second()
        ledger.take_lock(second)  # type: ignore[arg-type]
    assert second.asked == 3


def test_a_role_that_would_silently_see_nothing_is_refused(source: databases.FreshDatabase) -> None:
    """Row security hides rows without an error: such a role would bring an empty app over."""
    with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
        connection.execute("create role blind login password 'blind'; grant pg_read_all_data to blind")
    try:
        blind = Secret(source.dsn("blind", "blind"))
        with (
            pytest.raises(SourceBlind, match="silently see only some rows"),
            open_live(blind, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS),
        ):
            pass
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("revoke pg_read_all_data from blind")
        with (
            pytest.raises(SourceBlind, match="may not read"),
            open_live(blind, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS),
        ):
            pass
    finally:
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("drop role blind")


def test_a_role_that_is_no_superuser_brings_everything(source: databases.FreshDatabase, target: Target) -> None:
    """What a hosted project gives its owner: every row may be read, and the platform's innermost schemas may not."""
    with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
        connection.execute("create role tenant login password 'tenant' bypassrls; grant pg_read_all_data to tenant")
        connection.execute("create schema _analytics; create table _analytics.inner (id int)")
        connection.execute("create schema pgsodium; create table pgsodium.key (id int)")
        connection.execute("revoke pg_read_all_data from tenant")
        for schema in ("public", "app", "auth", "storage", "cron", "pgmq", "realtime", "vault", "supabase_migrations"):
            for what in (f"usage on schema {schema}", f"select on all tables in schema {schema}",
                         f"select on all sequences in schema {schema}"):  # fmt: skip
                connection.execute(f"grant {what} to tenant".encode())
    try:
        dsn = Secret(source.dsn("tenant", "tenant"))
        with open_live(dsn, decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS) as opened:
            target.take(opened)
            assert verify(opened, target.destination, target.events.append).faults == ()
        with live(source) as opened:
            assert verify(opened, target.destination, target.events.append).faults == ()
    finally:
        spoil(target, "drop owned by tenant")
        with psycopg.connect(source.superuser_dsn, autocommit=True) as connection:
            connection.execute("drop owned by tenant; drop role tenant; drop schema _analytics, pgsodium cascade")


def test_what_fails_is_named_and_the_next_run_goes_on(source: databases.FreshDatabase, target: Target) -> None:
    """A name of the app that is taken at the target."""
    spoil(target, "create function public.touch() returns int language sql as 'select 1'")
    with live(source) as opened, pytest.raises(MoveFailed) as failed:
        target.take(opened)
    assert "function public.touch()" in failed.value.detail
    spoil(target, "drop function public.touch()")
    with live(source) as opened:
        target.take(opened)
        assert verify(opened, target.destination, target.events.append).faults == ()


def test_no_secret_stands_in_the_ledger(moved: tuple[Target, databases.FreshDatabase]) -> None:
    target, source = moved
    text = str(target.ask("select * from freehold.move_items")) + str(target.ask("select * from freehold.moves"))
    text += str([(event.text, event.values) for event in target.events]) + str(check(target, source).document())
    assert "nobody may read" not in text
    assert BCRYPT not in text
    assert source.superuser_dsn.split("password=")[1].split()[0] not in text
