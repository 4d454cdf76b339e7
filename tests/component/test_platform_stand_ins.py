"""What stands in for pg_cron, pg_net, supabase_vault, pgmq, realtime and pg_graphql."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from freehold.testing.database import FreshDatabase, fresh_database


def ask(dsn: str, sql: str, parameters: tuple = ()) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def owner(database: FreshDatabase) -> str:
    return database.owner_dsn


def test_schedules_are_checked_when_a_job_is_made(owner: str) -> None:
    good = ["* * * * *", "*/5 0-12/2 1,15 jan-mar mon", "5 seconds", "59 seconds", "@daily", "0 0 $ * *", " 0 3 * * 7 "]
    bad = [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "0 0 0 * *",
        "0 0 1 13 *",
        "0 0 1 * 8",
        "*/0 * * * *",
        "60 seconds",
    ]
    bad += ["0 seconds", "5-1 * * * *", "@never", "a b c d e", "* * * * * *", "1;2 * * * *"]
    with psycopg.connect(owner, autocommit=True) as connection:
        for schedule in good:
            connection.execute("select cron.schedule(%s, 'select 1')", [schedule])
        for schedule in bad:
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="invalid schedule"):
                connection.execute("select cron.schedule(%s, 'select 1')", [schedule])


def test_a_job_has_one_name_and_can_be_changed_and_removed(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        first = connection.execute("select cron.schedule('a', '* * * * *', 'select 1')").fetchone()
        assert connection.execute("select cron.schedule('a', '1 * * * *', 'select 2')").fetchone() == first
        connection.execute("select cron.alter_job(%s, schedule := '2 * * * *', active := false)", first)
        rows = connection.execute("select schedule, command, active from cron.job").fetchall()
        assert rows == [("2 * * * *", "select 2", False)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select cron.alter_job(%s, username := 'supabase_admin')", first)
        assert connection.execute("select cron.unschedule('a')").fetchone() == (True,)
        with pytest.raises(psycopg.errors.RaiseException, match="could not find valid entry for job 'a'"):
            connection.execute("select cron.unschedule('a')")


def test_requests_wait_in_a_queue_and_answers_can_be_collected(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        number = connection.execute("select net.http_get('https://example.org/a?b=1', '{\"c\": \"d&e\"}')").fetchone()[
            0
        ]
        row = connection.execute("select method, url, timeout_milliseconds from net.http_request_queue").fetchone()
        assert row == ("GET", "https://example.org/a?b=1&c=d%26e", 5000)
        waiting = connection.execute("select (net.http_collect_response(%s)).message", [number]).fetchone()
        assert waiting == ("request matching request_id not found",)
        ask(
            database.superuser_dsn,
            "insert into net._http_response (id, status_code, content) values (%s, 200, 'ok')",
            (number,),
        )
        answer = "select status::text, (response).status_code, (response).body from net.http_collect_response(%s)"
        assert connection.execute(answer, [number]).fetchone() == ("SUCCESS", 200, "ok")
        for url in ("file:///etc/passwd", "", "gopher://x"):
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="not an http address"):
                connection.execute("select net.http_post(%s)", [url])
        with pytest.raises(psycopg.errors.RaiseException, match="application/json"):
            connection.execute("select net.http_post('http://x', headers := '{\"content-type\": \"text/plain\"}')")


def test_a_database_webhook_sends_old_and_new_row(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("create table public.t (id int)")
        connection.execute(
            "create trigger hook after update on public.t for each row execute function"
            " supabase_functions.http_request('https://example.org/h', 'POST', '{\"X\": \"y\"}', '{}', '1000')"
        )
        connection.execute("insert into public.t values (1)")
        connection.execute("update public.t set id = 2")
        ((body, headers),) = connection.execute(
            "select convert_from(body, 'UTF8'), headers from net.http_request_queue"
        ).fetchall()
    assert json.loads(body) == {
        "type": "UPDATE",
        "schema": "public",
        "table": "t",
        "record": {"id": 2},
        "old_record": {"id": 1},
    }
    assert headers == {"X": "y", "Content-Type": "application/json"}


def test_secrets_are_encrypted_whichever_way_they_are_written(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        made = connection.execute("select vault.create_secret('one', 'a', 'about')").fetchone()
        connection.execute("insert into vault.secrets (secret, name) values ('two', 'b')")
        connection.execute("select vault.update_secret(%s, 'three', new_description := 'more')", made)
        rows = connection.execute("select name, decrypted_secret from vault.decrypted_secrets order by 1").fetchall()
        assert rows == [("a", "three"), ("b", "two")]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("select vault.create_secret('x', 'a')")
    stored = ask(database.superuser_dsn, "select secret from vault.secrets")
    assert not {"one", "two", "three"} & {row[0] for row in stored}


def test_a_queue_gives_each_message_to_one_reader_at_a_time(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("select pgmq.create('Work')")
        connection.execute("select pgmq.create('Work')")
        batch = connection.execute(
            "select pgmq.send_batch('Work', array['{\"n\": 1}', '{\"n\": 2}']::jsonb[])"
        ).fetchall()
        later = connection.execute("select pgmq.send('Work', '{\"n\": 3}', 60)").fetchone()
        read = connection.execute("select msg_id, read_ct, message from pgmq.read('Work', 30, 10)").fetchall()
        assert read == [(batch[0][0], 1, {"n": 1}), (batch[1][0], 1, {"n": 2})]
        assert connection.execute("select * from pgmq.read('Work', 30, 10)").fetchall() == []
        assert connection.execute("select msg_id from pgmq.pop('Work')").fetchall() == []
        connection.execute("select pgmq.set_vt('Work', %s, 0)", later)
        assert connection.execute("select msg_id from pgmq.pop('Work')").fetchall() == [later]
        assert connection.execute("select pgmq.archive('Work', %s)", batch[0]).fetchone() == (True,)
        assert connection.execute("select pgmq.delete('Work', %s)", batch[1]).fetchone() == (True,)
        assert connection.execute("select pgmq.delete('Work', %s)", batch[1]).fetchone() == (False,)
        assert connection.execute("select queue_length, total_messages from pgmq.metrics('Work')").fetchone() == (0, 3)
        assert connection.execute("select message from pgmq.a_work").fetchall() == [({"n": 1},)]
        assert connection.execute("select queue_name from pgmq.list_queues()").fetchall() == [("Work",)]
        assert connection.execute("select pgmq.drop_queue('Work')").fetchone() == (True,)
        assert connection.execute("select pgmq.drop_queue('Work')").fetchone() == (False,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select pgmq.send('Work', '{}')")


@pytest.mark.parametrize("name", ["a;b", "a--b", "a'b", "a$b", "x" * 48, ""])
def test_names_of_queues_are_checked(listed: str, name: str) -> None:
    with psycopg.connect(listed) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("select pgmq.create(%s)", [name])


def test_broadcasts_from_triggers_are_stored_and_never_undo_a_change(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("create table public.t (id int)")
        connection.execute(
            "create function public.tell() returns trigger language plpgsql security definer as $$ begin"
            " perform realtime.broadcast_changes('room', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);"
            " return null; end $$"
        )
        connection.execute("create trigger tell after insert on public.t for each row execute function public.tell()")
        connection.execute("insert into public.t values (7)")
        ((topic, event, private, payload, number),) = connection.execute(
            "select topic, event, private, payload, id::text from realtime.messages"
        ).fetchall()
        connection.execute("select realtime.send('{}', 'event', null)")
    assert (topic, event, private) == ("room", "INSERT", True)
    assert payload == {
        "id": number,
        "record": {"id": 7},
        "old_record": None,
        "operation": "INSERT",
        "table": "t",
        "schema": "public",
    }


def test_private_channels_are_decided_by_policies_on_the_topic(database: FreshDatabase) -> None:
    ask(
        database.superuser_dsn,
        "create policy rooms on realtime.messages for insert to authenticated with check (realtime.topic() = 'mine')",
    )
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute("set role authenticated")
        connection.execute("set local realtime.topic = 'mine'")
        insert = "insert into realtime.messages (topic, extension) values ('x', 'broadcast')"
        connection.execute(insert)
        connection.execute("set local realtime.topic = 'other'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(insert)


def test_graphql_says_that_it_is_not_served(database: FreshDatabase) -> None:
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute("set role anon")
        row = connection.execute("select graphql_public.graphql(query := '{ a }')").fetchone()
    assert "not served here" in row[0]["errors"][0]["message"]


def test_functions_read_the_claims_of_the_request(database: FreshDatabase) -> None:
    user = "00000000-0000-4000-8000-00000000000a"
    claims = json.dumps({"sub": user, "role": "authenticated", "email": "a@b.c", "x": 1})
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute("set role anon")
        empty = connection.execute("select auth.uid(), auth.role(), auth.email(), auth.jwt()").fetchone()
        connection.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true)", [claims]
        )
        row = connection.execute("select auth.uid()::text, auth.role(), auth.email(), auth.jwt() -> 'x'").fetchone()
    assert empty == (None, None, None, None)
    assert row == (user, "authenticated", "a@b.c", 1)


@pytest.fixture(scope="module")
def listed() -> Iterator[str]:
    with fresh_database() as database:
        yield _filled(database)


def _filled(database: FreshDatabase) -> str:
    names = ["a-b", "a/x", "a/y/z", "B.png", "c.png", "d/1", "d/2", "é/1", "e_%", "z"]
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute("insert into storage.buckets (id, name) values ('b', 'b'), ('other', 'other')")
        for name in names:
            connection.execute(
                "insert into storage.objects (bucket_id, name) values ('b', %s), ('other', %s)", [name, name]
            )
    return database.superuser_dsn


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_level_is_listed_page_by_page_without_gaps(listed: str, order: str, size: int) -> None:
    expected = ["B.png", "a-b", "a", "c.png", "d", "e_%", "z", "é"]
    found: list[str] = []
    with psycopg.connect(listed) as connection:
        while True:
            page = connection.execute(
                "select name from storage.list_objects_with_delimiter('b', '', '/', %s, %s, '', %s)",
                [size, found[-1] if found else "", order],
            ).fetchall()
            found += [row[0] for row in page]
            if len(page) < size:
                break
    assert found == (expected if order == "asc" else expected[::-1])


def test_a_prefix_narrows_the_listing(listed: str) -> None:
    query = "select name, id is null from storage.list_objects_with_delimiter('b', %s, '/')"
    assert ask(listed, query, ("a/",)) == [("a/x", False), ("a/y", True)]
    assert ask(listed, query, ("a",)) == [("a-b", False), ("a", True)]
    assert ask(listed, query, ("nothing/",)) == []


def test_the_older_search_ignores_case_and_names_are_relative(listed: str) -> None:
    search = "select name from storage.search(%s, 'b', 100, 1, %s, %s, %s, %s)"
    assert ask(listed, search, ("", 0, "", "name", "asc")) == [
        ("a",),
        ("a-b",),
        ("B.png",),
        ("c.png",),
        ("d",),
        ("e_%",),
        ("z",),
        ("é",),
    ]
    assert ask(listed, search, ("", 0, "b", "name", "asc")) == [("B.png",)]
    assert ask(listed, search, ("a/", 0, "", "name", "desc")) == [("y",), ("x",)]
    assert ask(listed, search, ("", 6, "", "name", "asc")) == [("z",), ("é",)]
    folders_first = ask(listed, search, ("", 0, "", "created_at", "asc"))
    assert [row[0] for row in folders_first[:3]] == ["a", "d", "é"]
    assert ask(listed, search, ("", 0, "e_", "name", "asc")) == [("e_%",)]


def test_search_v2_pages_by_time_and_by_name(listed: str) -> None:
    by_name = ask(listed, "select key, name from storage.search_v2('a/', 'b', 10, 2)")
    assert by_name == [("x", "a/x"), ("y", "a/y")]
    page = "select name from storage.search_v2('', 'b', 3, 1, %s, 'desc', 'created_at', (select max(created_at)::text"
    page += " from storage.objects))"
    found: list[str] = []
    while rows := ask(listed, page, (found[-1] if found else "",)):
        found += [row[0] for row in rows]
    assert found == ["é", "z", "e_%", "d", "c.png", "a-b", "a", "B.png"]


def test_objects_are_not_deleted_behind_the_storage_apis_back(listed: str) -> None:
    with psycopg.connect(listed) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Use the Storage API"):
            connection.execute("delete from storage.objects")
        connection.rollback()
        connection.execute("set storage.allow_delete_query = 'true'")
        assert connection.execute("delete from storage.objects where bucket_id = 'other'").rowcount == 10
        connection.rollback()


def test_paths_are_taken_apart(listed: str) -> None:
    query = "select storage.foldername(n), storage.filename(n), storage.extension(n) from (values (%s)) as t (n)"
    assert ask(listed, query, ("a/b/c.tar.gz",)) == [(["a", "b"], "c.tar.gz", "gz")]
    assert ask(listed, query, ("c",)) == [([], "c", "c")]
