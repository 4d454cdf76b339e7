"""The way of the app's own Python server to its database: one role, one database, whatever happens to PostgreSQL."""

import asyncio
import os
import signal
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import psycopg
import pytest
from mortal_postgres import Mortal, mortal_postgres
from psycopg import conninfo
from python_world import DRIVER, answering, served_python
from tls_postgres import speaking_tls, until_tls

from freehold import platform
from freehold.core.errors import ProcessDied
from freehold.core.secret import Secret
from freehold.runtime.site.python import database as door
from freehold.testing.database import FreshDatabase

ASK = """
import psycopg
def answer(environ, query):
    from urllib.parse import unquote_plus
    url = os.environ["DATABASE_URL"]
    wanted = {name: unquote_plus(value) for name, value in query.items() if name in ("user", "dbname", "options", "replication", "sslmode")}
    with psycopg.connect(url, connect_timeout=20, autocommit=True, **wanted) as connection:
        return json.dumps(connection.execute(unquote_plus(query["sql"])).fetchall(), default=str)
"""  # noqa: E501


@pytest.fixture
def opened(database: FreshDatabase) -> FreshDatabase:
    _open(database)
    return database


def _open(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "create table public.pots (id int primary key, name text); insert into public.pots values (1, 'a')"
        )
        owner.execute("alter table public.pots enable row level security")
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        platform.open_to_server(admin)


async def asked(http: aiohttp.ClientSession, url: str, sql: str, **wanted: str) -> str:
    """What the app gets from its database, or the error."""
    async with http.get(url, params={"sql": sql, **wanted}) as answer:
        return await answer.text()


async def test_every_driver_gets_in_as_the_servers_role_and_as_no_other(opened: FreshDatabase, tmp_path: Path) -> None:
    dsn = Secret(opened.server_dsn)
    others = {
        "superuser": conninfo.conninfo_to_dict(opened.superuser_dsn)["user"],
        "owner": conninfo.conninfo_to_dict(opened.owner_dsn)["user"],
        "rest": "authenticator",
    }
    async with served_python(tmp_path, ASK, *DRIVER, server_dsn=dsn) as world, aiohttp.ClientSession() as http:
        who = "select current_user, session_user, current_database(), (select count(*) from public.pots)"
        assert await asked(http, world.url, who) == f'[["freehold_server", "freehold_server", "{opened.name}", 1]]'
        assert await asked(http, world.url, "show application_name", options="-c application_name=mine") == '[["mine"]]'
        for user in others.values():
            assert "leads to database" in await asked(http, world.url, "select 1", user=str(user)), user
        assert "leads to database" in await asked(http, world.url, "select 1", dbname="postgres")
        assert "not for replication" in await asked(http, world.url, "select 1", replication="database")
        assert "SSL" in await asked(http, world.url, "select 1", sslmode="require")
        for statement in ("set role postgres", "set session authorization postgres", "select * from auth.users"):
            assert "denied" in await asked(http, world.url, statement), statement
        assert "denied" in await asked(http, world.url, "create table public.mine (id int)")
        assert "denied" in await asked(http, world.url, "select pg_read_file('/etc/passwd')")


def _startup(*words: str) -> bytes:
    body = b"".join(f"{word}\0".encode() for word in words) + b"\0"
    return struct.pack("!ii", len(body) + 8, 3 << 16) + body


@pytest.mark.parametrize(
    "first",
    [
        struct.pack("!iiii", 16, 80877102, 1, 2),
        _startup("user", "freehold_server", "database", "shop", "replication", "true"),
        _startup("user", "freehold_server", "database", "shop", "Replication", "database"),
        _startup("user", "freehold_server", "database", "shop", "user", "postgres"),
        _startup("user", "postgres", "database", "shop", "user", "freehold_server"),
        _startup("user", "FREEHOLD_SERVER", "database", "shop"),
        _startup("user", "freehold_server", "database", ""),
        _startup("database", "shop"),
        _startup(),
        struct.pack("!ii", 8, 80877103) * 4,
        struct.pack("!ii", 1 << 30, 3 << 16),
        struct.pack("!ii", -1, 3 << 16),
        struct.pack("!ii", 8, 2 << 16),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_no_other_beginning_reaches_postgresql(first: bytes, tmp_path: Path) -> None:
    reached: list[bool] = []
    socket = tmp_path / ".s.PGSQL.5432"
    upstream = await asyncio.start_unix_server(lambda _, writer: (reached.append(True), writer.close())[1], socket)
    target = door.address(Secret(f"host={tmp_path} user=freehold_server dbname=shop password=x"))
    async with upstream, answering(door.DatabaseDoor(target)) as where:
        for message in (_startup("user", "freehold_server", "database", "shop"), first):
            reader, writer = await asyncio.open_connection(*where)
            writer.write(message)
            writer.write_eof()
            await reader.read()
            writer.close()
    assert reached == [True], "the right one comes through, and only that"


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    with mortal_postgres(_open) as found:
        yield found


async def test_postgresql_is_reached_by_tls_where_it_wants_that(opened: FreshDatabase, tmp_path: Path) -> None:
    """The app's side is plain, and knows nothing of it; a login that binds to the certificate is not offered to it."""
    encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    with speaking_tls(opened.superuser_dsn, tmp_path) as trusted:
        for sslmode, root in (("require", ""), ("verify-full", str(trusted)), ("prefer", "")):
            given = {"host": "127.0.0.1", "sslmode": sslmode, **({"sslrootcert": root} if root else {})}
            dsn = Secret(conninfo.make_conninfo(opened.server_dsn, **given))
            await asyncio.to_thread(until_tls, dsn)
            folder = tmp_path / sslmode
            folder.mkdir()
            async with served_python(folder, ASK, *DRIVER, server_dsn=dsn) as world, aiohttp.ClientSession() as http:
                assert await asked(http, world.url, encrypted) == "[[true]]", sslmode
        (tmp_path / "empty.crt").touch()
        wrong = conninfo.make_conninfo(
            opened.server_dsn, host="127.0.0.1", sslmode="verify-full", sslrootcert=str(tmp_path / "empty.crt")
        )
        (tmp_path / "wrong").mkdir()
        async with (
            served_python(tmp_path / "wrong", ASK, *DRIVER, server_dsn=Secret(wrong)) as world,
            aiohttp.ClientSession() as http,
        ):
            assert "certificate is not accepted" in await asked(http, world.url, "select 1")
    plain = Secret(conninfo.make_conninfo(opened.server_dsn, host="127.0.0.1", sslmode="require"))
    (tmp_path / "plain").mkdir()
    async with (
        served_python(tmp_path / "plain", ASK, *DRIVER, server_dsn=plain) as world,
        aiohttp.ClientSession() as http,
    ):
        async with asyncio.timeout(60):
            while "offers no TLS" not in (said := await asked(http, world.url, "select 1")):
                assert "[[1]]" in said, "it takes PostgreSQL a moment to close TLS"
                await asyncio.sleep(0.05)


async def test_postgresql_is_killed_and_comes_back(mortal: Mortal, tmp_path: Path) -> None:
    dsn = Secret(mortal.database.server_dsn)
    async with served_python(tmp_path, ASK, *DRIVER, server_dsn=dsn) as world, aiohttp.ClientSession() as http:
        before = world.pid
        assert await asked(http, world.url, "select 1") == "[[1]]"
        sleeping = asyncio.create_task(asked(http, world.url, "select pg_sleep(600)"))
        with psycopg.connect(mortal.database.superuser_dsn, autocommit=True) as admin:
            async with asyncio.timeout(60):
                while not admin.execute("select from pg_stat_activity where wait_event = 'PgSleep'").fetchall():  # noqa: ASYNC110 - another process has no Event
                    await asyncio.sleep(0.01)
        os.kill(mortal.server.cluster.pid, signal.SIGKILL)
        assert "OperationalError" in await sleeping
        async with asyncio.timeout(60):
            while "cannot be reached" not in await asked(http, world.url, "select 1"):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        await asyncio.to_thread(mortal.server.cluster.start)
        async with asyncio.timeout(60):
            while await asked(http, world.url, "select 1") != "[[1]]":  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert world.pid == before, "the app's server went through it"


MIGRATE = """
import os, sys, time, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    print("migrating", sys.argv[1], connection.execute("show statement_timeout").fetchone()[0])
    # Two at once would both find no table: this pause is longer than what lies between two starts.
    there = connection.execute("select to_regclass('server.made')").fetchone()[0]
    time.sleep(0.5)
    if there is None:
        connection.execute("create table made (at timestamptz default now())")
        connection.execute("insert into made default values")
"""


def _before(**files: str) -> Mapping[str, str]:
    return {"wsgi.py": "def application(environ, start):\n    start('200 OK', [])\n    return [b'served']\n", **files}


async def test_what_runs_before_the_app_runs_once_at_a_time(opened: FreshDatabase, tmp_path: Path) -> None:
    code = _before(**{"migrate.py": MIGRATE})
    own = {"before": (("migrate.py", "up"),)}
    dsn = Secret(opened.server_dsn)

    async def one(folder: Path) -> str:
        async with served_python(folder, code, *DRIVER, server=own, server_dsn=dsn) as world:
            async with aiohttp.ClientSession() as http, http.get(world.url) as answer:
                assert await answer.text() == "served"
            return str(world.log())

    for name in "ab":
        (tmp_path / name).mkdir()
    logs = await asyncio.gather(one(tmp_path / "a"), one(tmp_path / "b"))
    assert all("migrating up 0" in log for log in logs)
    with psycopg.connect(opened.superuser_dsn) as admin:
        assert admin.execute("select count(*) from server.made").fetchall() == [(1,)]


async def test_what_fails_before_the_app_is_an_error_and_nothing_is_served(
    opened: FreshDatabase, tmp_path: Path
) -> None:
    code = _before(**{"migrate.py": "print('column \"x\" exists'); raise SystemExit(3)"})
    own = {"before": (("migrate.py", "up"), ("wsgi.py",))}
    with pytest.raises(ProcessDied) as caught:
        async with served_python(tmp_path, code, *DRIVER, server=own, server_dsn=Secret(opened.server_dsn)):
            pytest.fail("it must not be served")
    assert caught.value.message == "`migrate.py up` of the app ended with code 3"
    assert 'column "x" exists' in caught.value.detail


async def test_what_runs_before_the_app_has_its_limit_of_memory(opened: FreshDatabase, tmp_path: Path) -> None:
    code = _before(**{"migrate.py": "import os\nkept = [bytearray(os.urandom(1 << 20)) for _ in range(1 << 20)]\n"})
    own = {"before": (("migrate.py",),)}
    with pytest.raises(ProcessDied, match="used more than 300 MB of memory"):
        async with served_python(tmp_path, code, server=own, server_dsn=Secret(opened.server_dsn)):
            pytest.fail("it must not be served")


async def test_a_server_whose_database_is_not_there_does_not_start(tmp_path: Path) -> None:
    own = {"before": (("migrate.py",),)}
    with pytest.raises(ProcessDied, match="does not reach its database") as caught:
        async with served_python(tmp_path, _before(**{"migrate.py": ""}), server=own):
            pytest.fail("it must not be served")
    assert "Qx-password" not in caught.value.detail
