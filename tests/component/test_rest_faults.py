"""What breaks around the REST core: PostgreSQL dies, the network is cut, clients are slow or leave, schemas change."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from mortal_postgres import Mortal, mortal_postgres
from pooler import pooled
from psycopg import conninfo
from rest_world import SCHEMA
from stand_in import StandIn, stand_in, until
from tcp_proxy import Network

from freehold.testing.database import FreshDatabase

FUNCTIONS = """
create function public.nap(seconds float) returns text language plpgsql as
  $$ begin perform pg_sleep(seconds); return 'rested'; end $$;
create function public.much() returns text language sql as $$ select repeat('0123456789', 3000000) $$;
create function public.hasty() returns void language sql set statement_timeout = '200ms' as $$ select pg_sleep(600) $$;
create table public.changing (id int primary key, value int);
insert into public.changing select n, n from generate_series(1, 5) n;
"""
NAPPING = "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
CLIENTS = 8


@pytest.fixture
def filled(database: FreshDatabase) -> FreshDatabase:
    _fill(database)
    return database


def _fill(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(SCHEMA)
        owner.execute(FUNCTIONS)


@dataclass
class Load:
    """Clients that ask without end, and what they were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    is_over: bool = False

    async def client(self, server: StandIn, path: str) -> None:
        while not self.is_over:
            answer = await server.ask("ann", path)
            self.statuses[answer.status] += 1
            if answer.status == 503 and "retry-after" not in answer.headers:
                self.without_retry_after += 1
            await asyncio.sleep(0)

    async def more(self, status: int, count: int = 20) -> None:
        """Wait for more answers with this status."""
        wanted = self.statuses[status] + count
        await until(lambda: self.statuses[status] >= wanted)


@contextlib.asynccontextmanager
async def under_load(server: StandIn, path: str = "/projects?select=title,tasks(title)") -> AsyncIterator[Load]:
    load = Load()
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(load.client(server, path))
        try:
            await load.more(200)
            yield load
        finally:
            load.is_over = True


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    with mortal_postgres(_fill) as found:
        yield found


async def test_postgresql_is_killed_under_load_and_started_again(mortal: Mortal, tmp_path: Path) -> None:
    fresh = mortal.database
    async with stand_in(fresh.rest_dsn, tmp_path) as server:
        async with under_load(server) as load:
            os.kill(mortal.server.cluster.pid, signal.SIGKILL)
            await load.more(503)
            assert (await server.admin("/live")).status == 200
            await asyncio.to_thread(mortal.server.cluster.start)
            await load.more(200)
            await until(lambda: _backends(fresh, "LISTEN%") == 1)
        assert set(load.statuses) == {200, 503}
        assert load.without_retry_after == 0
        assert server.process.poll() is None
        await server.until_ready()
        with psycopg.connect(fresh.owner_dsn, autocommit=True) as owner:
            owner.execute("create table public.late (id int primary key)")
            owner.execute("grant select on public.late to anon, authenticated")
            owner.execute("notify pgrst")
        await server.until_answer("ann", "/late", lambda answer: answer.status == 200)


async def test_it_starts_before_postgresql_does(mortal: Mortal, tmp_path: Path) -> None:
    fresh = mortal.database
    mortal.server.cluster.stop()
    async with stand_in(fresh.rest_dsn, tmp_path, wait=False) as server:
        await until(lambda: "waited for" in server.log())
        answer = await server.ask("ann", "/projects")
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "PGRST002", "1")
        # The keys may stand in the database: a token that cannot be read yet is nobody's fault.
        assert (await server.ask("not.a.token", "/projects")).status == 503
        assert (await server.admin("/ready")).status == 503
        await asyncio.to_thread(mortal.server.cluster.start)
        await server.until_ready()
        assert (await server.ask("ann", "/projects")).status == 200


async def test_one_connection_that_postgresql_ends_costs_no_other_request(
    filled: FreshDatabase, tmp_path: Path
) -> None:
    with psycopg.connect(filled.superuser_dsn, autocommit=True) as admin:
        async with stand_in(filled.rest_dsn, tmp_path) as server:
            async with under_load(server) as load:
                for _ in range(5):
                    admin.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator' "
                        "and datname = current_database()"
                    )
                    await load.more(200)
            assert set(load.statuses) <= {200, 503}
            assert load.without_retry_after == 0
            assert server.process.poll() is None


async def test_a_network_that_is_cut_and_mended(filled: FreshDatabase, tmp_path: Path) -> None:
    async with (
        Network(filled.host, filled.port).run() as network,
        stand_in(_through(filled, network.port), tmp_path) as server,
    ):
        async with under_load(server) as load:
            network.cut()
            await load.more(503)
            network.mend()
            await load.more(200)
        assert set(load.statuses) == {200, 503}
        assert load.without_retry_after == 0


async def test_a_silent_network_keeps_requests_waiting_no_longer_than_the_pool_allows(
    filled: FreshDatabase, tmp_path: Path
) -> None:
    async with Network(filled.host, filled.port).run() as network:
        settings = {"db_pool": 2, "db_pool_acquisition_timeout": 1}
        async with stand_in(_through(filled, network.port), tmp_path, **settings) as server:
            network.silence()
            waiting = [asyncio.create_task(server.ask("ann", "/projects")) for _ in range(6)]
            await until(lambda: len([task for task in waiting if task.done()]) == 4)
            done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert {(task.result().status, task.result().json["code"]) for task in done} == {(504, "PGRST003")}
            assert len(left) == 2
            assert "pgrst_db_pool_timeouts_total 4.0" in (await server.admin("/metrics")).body.decode()
            network.mend()
            assert {task.result().status for task in (await asyncio.wait(left, timeout=30))[0]} == {200}
            assert (await server.ask("ann", "/projects")).status == 200


async def test_a_client_that_leaves_ends_its_query(filled: FreshDatabase, tmp_path: Path) -> None:
    with psycopg.connect(filled.superuser_dsn, autocommit=True) as admin:
        async with stand_in(filled.rest_dsn, tmp_path, db_pool=1) as server:
            asking = asyncio.create_task(server.ask("nobody", "/rpc/nap?seconds=600"))
            await until(lambda: bool(admin.execute(NAPPING).fetchall()))
            asking.cancel()
            await until(lambda: not admin.execute(NAPPING).fetchall())
            assert (await server.ask("ann", "/projects")).status == 200


async def test_a_statement_that_takes_too_long_is_ended_by_the_role_s_own_limit(
    filled: FreshDatabase, tmp_path: Path
) -> None:
    async with stand_in(filled.rest_dsn, tmp_path, db_pool=1) as server:
        slow = await server.ask("nobody", "/rpc/hasty", method="POST", body={})
        assert (slow.status, slow.json["code"]) == (500, "57014")
        assert (await server.ask("ann", "/projects")).status == 200


async def test_slow_clients_hold_no_database_connection(filled: FreshDatabase, tmp_path: Path) -> None:
    """One reads 30 MB a byte at a time, one never ends its request's head, one never sends its body."""
    async with stand_in(filled.rest_dsn, tmp_path, db_pool=1) as server:
        heads = (
            b"GET /rpc/much HTTP/1.1\r\nhost: x\r\n\r\n",
            b"GET /projects HTTP/1.1\r\nhost: x\r\nx-slow: ",
            b"POST /customers HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\ncontent-type: application/json\r\n\r\n{",
        )
        with contextlib.ExitStack() as stack:
            for head in heads:
                port = int(server.url.rpartition(":")[2])
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                client.sendall(head)
            for _ in range(20):
                assert (await server.ask("ann", "/projects")).status == 200


async def test_a_schema_that_changes_under_load_is_followed(filled: FreshDatabase, tmp_path: Path) -> None:
    """Prepared statements meet columns that come, go and change their type."""
    with psycopg.connect(filled.owner_dsn, autocommit=True) as owner:
        async with stand_in(filled.rest_dsn, tmp_path, db_pool=4) as server:
            async with under_load(server, "/changing?select=*&id=gt.0&order=id") as load:
                for step in range(6):
                    owner.execute(f"alter table public.changing add column extra_{step} text default 'x'")
                    await load.more(200)
                    owner.execute("alter table public.changing alter column value type bigint")
                    owner.execute("alter table public.changing alter column value type int")
                    await load.more(200)
                    owner.execute("notify pgrst, 'reload schema'")
                    owner.execute(f"alter table public.changing drop column extra_{step}")
                    await load.more(200)
            assert set(load.statuses) == {200}
            row = (await server.ask("ann", "/changing?id=eq.1")).json
            assert row == [{"id": 1, "value": 1}]


@pytest.fixture
def pooler(filled: FreshDatabase) -> Iterator[str]:
    """A transaction pooler with one server connection: every transaction meets what the one before left there."""
    with pooled(filled, filled.rest_dsn, "default_pool_size = 1") as dsn:
        yield dsn


async def test_behind_a_transaction_pooler_nothing_is_prepared_and_nothing_leaks(
    filled: FreshDatabase, pooler: str, tmp_path: Path
) -> None:
    settings = {"db_prepared_statements": "false", "db_channel_enabled": "false"}
    async with stand_in(pooler, tmp_path, **settings) as server:

        async def own(who: str) -> int:
            return len((await server.ask(who, "/projects")).json)

        found = await asyncio.gather(*(own(who) for who in ("ann", "ben", "service") * 30))
        assert found == [2, 1, 3] * 30
        added = await server.ask(
            "ann", "/customers?select=name", method="POST", body={"name": "New"},
            headers={"prefer": "return=representation", "accept": "application/vnd.pgrst.object+json"},
        )  # fmt: skip
        assert (added.status, added.json) == (201, {"name": "New"})
    with psycopg.connect(filled.superuser_dsn, autocommit=True) as admin:
        assert admin.execute("select count(*) from public.customers where name = 'New'").fetchone() == (1,)


def _through(database: FreshDatabase, port: int) -> str:
    return conninfo.make_conninfo(database.rest_dsn, host="127.0.0.1", port=port)


def _backends(database: FreshDatabase, query: str) -> int:
    try:
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            row = admin.execute(
                "select count(*) from pg_stat_activity where query like %s and datname = current_database()", [query]
            ).fetchone()
    except psycopg.OperationalError:
        return -1
    return int(row[0]) if row else 0
