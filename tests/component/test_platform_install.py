import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from freehold import platform
from freehold.core.errors import DatabaseUnfit
from freehold.core.secret import Secret
from freehold.platform.install import revisions
from freehold.platform.logins import matches
from freehold.testing.database import FreshDatabase, empty_database, fresh_database, shared_server

NAMES = tuple(name for name, _ in revisions())


@pytest.fixture
def database() -> Iterator[FreshDatabase]:
    with empty_database() as found:
        yield found


def install(database: FreshDatabase) -> tuple[str, ...]:
    with psycopg.connect(database.superuser_dsn) as connection:
        return platform.install(connection, logins=shared_server().logins, owner=shared_server().owner)


def _install_in_a_process(database: FreshDatabase, logins: tuple[str, ...], owner: str) -> None:
    secrets = dict(zip(("authenticator", "auth_admin", "storage_admin", "owner"), map(Secret, logins), strict=True))
    with psycopg.connect(database.superuser_dsn) as connection:
        platform.install(connection, logins=platform.Logins(**secrets), owner=owner)


def test_the_second_installation_applies_nothing(database: FreshDatabase) -> None:
    assert install(database) == NAMES
    assert install(database) == ()


def test_two_installations_at_once_take_turns(database: FreshDatabase) -> None:
    applied: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: applied.append(install(database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [(), (), NAMES]


def test_an_installation_that_was_killed_is_carried_on_with(database: FreshDatabase) -> None:
    server = shared_server()
    passwords = [
        server.logins.authenticator,
        server.logins.auth_admin,
        server.logins.storage_admin,
        server.logins.owner,
    ]
    arguments = (database, tuple(item.reveal() for item in passwords), server.owner)
    for delay in (0.01, 0.04, 0.08):
        process = multiprocessing.get_context("fork").Process(target=_install_in_a_process, args=arguments)
        process.start()
        time.sleep(delay)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    install(database)
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute("select name from freehold.platform_revisions order by name").fetchall()
    assert tuple(row[0] for row in rows) == NAMES
    assert install(database) == ()


def test_a_revision_with_another_text_is_refused(database: FreshDatabase) -> None:
    install(database)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("update freehold.platform_revisions set checksum = 'x' where name = %s", [NAMES[0]])
    with pytest.raises(DatabaseUnfit, match=NAMES[0]):
        install(database)


def test_an_ordinary_login_is_told_that_it_may_not(database: FreshDatabase) -> None:
    with psycopg.connect(database.rest_dsn) as connection, pytest.raises(DatabaseUnfit, match="refused"):
        platform.install(connection, logins=shared_server().logins, owner=shared_server().owner)


def test_each_login_has_its_password_as_a_verifier_only(database: FreshDatabase) -> None:
    install(database)
    logins = shared_server().logins
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute("select rolname, rolpassword from pg_authid where rolpassword is not null").fetchall()
    verifiers = dict(rows)
    assert matches(verifiers["authenticator"], logins.authenticator.reveal())
    assert matches(verifiers["supabase_auth_admin"], logins.auth_admin.reveal())
    assert not matches(verifiers["supabase_storage_admin"], logins.auth_admin.reveal())
    for dsn in (database.rest_dsn, database.auth_dsn, database.storage_dsn, database.owner_dsn):
        psycopg.connect(dsn).close()


def test_tables_match_a_supabase_dump() -> None:
    with fresh_database() as database, psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute(
            "select attrelid::regclass::text, count(*) from pg_attribute where attnum > 0 and not attisdropped"
            " and attrelid = any(array['auth.users', 'auth.identities', 'auth.sessions', 'storage.objects',"
            " 'storage.buckets', 'realtime.messages']::regclass[]) group by 1"
        ).fetchall()
        without_security = connection.execute(
            "select relname from pg_class where relkind in ('r', 'p') and not relrowsecurity"
            " and relnamespace in ('auth'::regnamespace, 'storage'::regnamespace, 'realtime'::regnamespace)"
        ).fetchall()
    assert dict(rows) == {
        "auth.users": 35,
        "auth.identities": 9,
        "auth.sessions": 15,
        "storage.objects": 15,
        "storage.buckets": 12,
        "realtime.messages": 9,
    }
    assert without_security == []


def test_a_change_of_the_schema_tells_the_rest_api() -> None:
    with fresh_database() as database, psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute("listen pgrst")
        connection.execute("create table public.seen (id int)")
        connection.execute("drop table public.seen")
        heard = [note.payload for note in connection.notifies(timeout=60, stop_after=2)]
    assert heard == ["reload schema", "reload schema"]
