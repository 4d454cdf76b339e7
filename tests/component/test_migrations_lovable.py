"""A set of migrations as Lovable writes them, applied whole as the owner role, and then used by two people."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.secret import Secret
from freehold.data.migrations import MigrationReport, migrate
from freehold.testing.database import FreshDatabase, fresh_database

ALICE = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"
FILES = sorted((Path(__file__).parents[1] / "support" / "migrations").glob("*.sql"))


def read() -> list[MigrationFile]:
    return [MigrationFile(path=file.name, version=file.name[:14], sql=file.read_text()) for file in FILES]


def apply(database: FreshDatabase, events: list[Event]) -> MigrationReport:
    return migrate(
        read(), owner_dsn=Secret(database.owner_dsn), admin_dsn=Secret(database.superuser_dsn), report=events.append
    )


@pytest.fixture(scope="module")
def database() -> Iterator[FreshDatabase]:
    with fresh_database() as found:
        apply(found, [])
        with psycopg.connect(found.auth_dsn) as connection:
            for user, name in ((ALICE, "alice"), (BOB, "bob")):
                connection.execute(
                    "insert into auth.users (id, aud, role, email, raw_user_meta_data) values (%s, 'authenticated',"
                    " 'authenticated', %s, %s)",
                    (user, f"{name}@example.org", json.dumps({"full_name": name})),
                )
        yield found


def ask(dsn: str, sql: str) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def as_caller(database: FreshDatabase, user: str | None, sql: str, dsn: str = "") -> list[tuple]:
    role = "authenticated" if user else "anon"
    claims = json.dumps({"sub": user, "role": role} if user else {"role": role})
    with psycopg.connect(dsn or database.rest_dsn) as connection:
        connection.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)", (claims, role)
        )
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def test_every_file_applies_and_the_second_run_does_nothing() -> None:
    with fresh_database() as database:
        events: list[Event] = []
        first = apply(database, events)
        second = apply(database, [])
    assert first.applied == tuple(file.name for file in FILES)
    assert [event.values["path"] for event in events if event.name == "migration-applied"] == [*first.applied]
    assert second.applied == ()
    assert second.skipped == first.applied
    assert second.revision == first.revision != ""


def test_what_the_platform_does_instead_is_said_with_its_line() -> None:
    with fresh_database() as other:
        replaced = apply(other, []).replaced
    assert any(text.endswith("Freehold supplies pg_cron") for text in replaced)
    assert all(text.split(":")[1].isdigit() for text in replaced)


def test_a_new_user_gets_a_profile_and_a_role(database: FreshDatabase) -> None:
    rows = ask(
        database.owner_dsn, "select full_name, role::text from profiles join user_roles using (user_id) order by 1"
    )
    assert rows == [("alice", "user"), ("bob", "user")]


def test_two_people_see_their_own_rows_only(database: FreshDatabase) -> None:
    with psycopg.connect(database.rest_dsn) as connection:
        for user in (ALICE, BOB):
            claims = json.dumps({"sub": user, "role": "authenticated"})
            connection.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true)",
                (claims,),
            )
            connection.execute("insert into notes (user_id, title) values (%s, %s)", (user, f"of {user[-1]}"))
            connection.commit()
    assert as_caller(database, ALICE, "select title from notes") == [("of a",)]
    assert as_caller(database, BOB, "select title from notes") == [("of b",)]
    assert as_caller(database, None, "select title from notes") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_caller(database, ALICE, f"insert into notes (user_id, title) values ('{BOB}', 'x')")


def test_an_admin_sees_all_by_a_security_definer_function(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("insert into user_roles (user_id, role) values (%s, 'admin')", (BOB,))
        connection.commit()
        try:
            assert len(as_caller(database, BOB, "select full_name from profiles")) == 2
            assert as_caller(database, ALICE, "select full_name from profiles") == [("alice",)]
        finally:
            connection.execute("delete from user_roles where role = 'admin'")


def test_people_write_into_their_own_folder_only(database: FreshDatabase) -> None:
    insert = "insert into storage.objects (bucket_id, name, owner_id) values ('avatars', '{}/me.png', '{}')"
    own = as_caller(database, ALICE, insert.format(ALICE, ALICE), database.storage_dsn)
    assert own == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_caller(database, ALICE, insert.format(BOB, ALICE), database.storage_dsn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_caller(database, None, insert.format(ALICE, ALICE), database.storage_dsn)
    policies = ask(database.superuser_dsn, "select polname from pg_policy where polrelid = 'storage.objects'::regclass")
    assert len(policies) == 4


def test_the_publication_has_the_table(database: FreshDatabase) -> None:
    rows = ask(
        database.superuser_dsn, "select tablename from pg_publication_tables where pubname = 'supabase_realtime'"
    )
    assert rows == [("notes",)]


def test_the_job_is_scheduled_as_the_owner_role(database: FreshDatabase) -> None:
    rows = ask(database.owner_dsn, "select jobname, schedule, username = current_user from cron.job order by 1")
    assert rows == [("cleanup", "0 3 * * *", True), ("process-email-queue", "5 seconds", True)]


def test_a_trigger_of_the_app_puts_a_request_into_the_queue(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("select public.notify_hook('{\"a\": 1}')")
        row = connection.execute(
            "select method, url, convert_from(body, 'UTF8') from net.http_request_queue"
        ).fetchone()
    assert row == ("POST", "https://example.org/functions/v1/hook?v=a%20b", '{"a": 1}')


def test_mail_goes_through_the_queue_and_to_the_dead_letters(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        sent = connection.execute("select public.enqueue_email('auth_emails', '{\"to\": \"a\"}')").fetchone()
        read_once = connection.execute(
            "select msg_id, read_ct, message from public.read_email_batch('auth_emails', 5, 30)"
        )
        assert read_once.fetchall() == [(sent[0], 1, {"to": "a"})]
        assert connection.execute("select * from public.read_email_batch('auth_emails', 5, 30)").fetchall() == []
        connection.execute(f"select public.move_to_dlq('auth_emails', 'unknown_dlq', {sent[0]}, '{{}}')")
        assert connection.execute("select queue_length from pgmq.metrics('unknown_dlq')").fetchone() == (1,)
        assert connection.execute("select queue_length from pgmq.metrics('auth_emails')").fetchone() == (0,)


def test_a_secret_is_encrypted_and_can_be_read_by_the_owner_role(database: FreshDatabase) -> None:
    query = "select secret, decrypted_secret from vault.decrypted_secrets where name = 'email_queue_service_role_key'"
    ((stored, decrypted),) = ask(database.owner_dsn, query)
    assert decrypted == "a-key-that-is-made-up"
    assert "made-up" not in stored


def test_vectors_and_trigrams_are_indexed(database: FreshDatabase) -> None:
    rows = ask(database.owner_dsn, "select indexname from pg_indexes where tablename = 'notes' order by 1")
    assert rows == [("notes_embedding_idx",), ("notes_pkey",), ("notes_title_trgm",)]
    found = ask(database.owner_dsn, "select public.nearest_note(array[1,0,0]::real[]::vector(3))")
    assert len(found) <= 1
