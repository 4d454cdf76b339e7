"""The schema cache and the connections stay true while the database changes or goes away."""

import asyncio
import contextlib

import psycopg
import pytest
from rest_world import World, rest_world

from freehold.core.secret import Secret
from freehold.runtime.connection import PREPARED_PER_CONNECTION, Connection
from freehold.runtime.database import ConnectionLost, DatabaseError, Pool, PoolExhausted, PoolLimits, notifications
from freehold.testing import database as databases
from freehold.testing.database import FreshDatabase


async def test_a_new_table_is_served_after_notify(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        assert (await world.ask("anon", "/fresh")).status == 404
        world.sql("create table public.fresh (id int); grant select on public.fresh to anon")
        world.sql("notify pgrst, 'reload schema'")
        async with asyncio.timeout(60):
            while (await world.ask("anon", "/fresh")).status != 200:  # noqa: ASYNC110 - it happens in another task
                await asyncio.sleep(0.05)


async def test_listening_is_said_though_nobody_says_anything(database: FreshDatabase) -> None:
    listener = notifications(Secret(database.rest_dsn), "quiet")
    async with asyncio.timeout(60), contextlib.aclosing(listener) as messages:
        assert await anext(messages) is None


async def test_a_changed_table_needs_no_reload_to_be_read(database: FreshDatabase) -> None:
    async with rest_world(database, pool_size=1) as world:
        await world.ask("ann", "/customers?id=eq.1")
        world.sql("alter table public.customers add column vat text")
        answer = await world.ask("ann", "/customers?id=eq.1")
    assert answer.status == 200
    assert "vat" in answer.json[0]


async def test_lost_connections_are_replaced_without_a_restart(database: FreshDatabase) -> None:
    async with rest_world(database, pool_size=2) as world:
        for _ in range(3):
            assert (await world.ask("ann", "/customers?id=eq.1")).status == 200
            _end_all(world)
        assert (await world.ask("ann", "/customers?id=eq.1")).status == 200


async def test_while_postgresql_is_down_the_answer_is_503_and_then_200_again() -> None:
    with databases.running_server() as server, databases.fresh_database(server) as database:
        async with rest_world(database, pool_size=2) as world:
            assert (await world.ask("ann", "/customers?id=eq.1")).status == 200
            world.admin.close()
            await asyncio.to_thread(server.cluster.stop)
            down = await world.ask("ann", "/customers?id=eq.1")
            await asyncio.to_thread(server.cluster.start)
            async with asyncio.timeout(120):
                while (await world.ask("ann", "/customers?id=eq.1")).status != 200:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.1)
    assert (down.status, down.json["code"]) == (503, "PGRST001")
    assert int(down.headers["retry-after"]) >= 1


async def test_old_prepared_statements_are_closed(database: FreshDatabase) -> None:
    connection = await Connection.connect(database.superuser_dsn)
    try:
        for number in range(PREPARED_PER_CONNECTION + 20):
            await connection.run([(f"select {number}", ())])
        (kept,) = await connection.run([("select count(*) from pg_prepared_statements", ())])
    finally:
        connection.close()
    assert int(kept.one()[0] or 0) <= PREPARED_PER_CONNECTION + 2


async def test_each_role_has_prepared_statements_of_its_own(database: FreshDatabase) -> None:
    connection = await Connection.connect(database.superuser_dsn)
    try:
        for role in ("anon", "authenticated", "anon", "authenticated"):
            await connection.run([("select 1 as for_roles", ())], role=role)
        (kept,) = await connection.run([
            ("select count(*) from pg_prepared_statements where statement = 'select 1 as for_roles'", ())
        ])  # fmt: skip
    finally:
        connection.close()
    assert kept.one() == (b"2",)


async def test_a_read_with_a_small_limit_is_not_planned_anew_each_time(database: FreshDatabase) -> None:
    read, times = "/customers?select=name,projects(title,tasks(title))&limit=1", 20
    async with rest_world(database, pool_size=1) as world:
        for _ in range(times):
            assert (await world.ask("ann", read)).status == 200
        # The pool's only connection tells what it keeps.
        (kept,) = await world.services.rest.run([
            ("select generic_plans from pg_prepared_statements where statement like '%tasks%LIMIT%'", ())
        ])  # fmt: skip
    assert int(kept.one()[0] or 0) >= times // 2


async def test_who_waits_too_long_for_a_connection_is_sent_away_and_the_others_are_not(database: FreshDatabase) -> None:
    pool = Pool(Secret(database.superuser_dsn), 1, PoolLimits(acquire_seconds=0.3))
    async with pool.connection():
        with pytest.raises(PoolExhausted):
            await pool.run([("select 1", ())])
        late = asyncio.create_task(pool.run([("select 2", ())]))
        await asyncio.sleep(0)
        assert pool.waiting == 1
    (answer,) = await late
    await pool.close()
    assert answer.one() == (b"2",)
    assert pool.timeouts == 1


async def test_statements_that_were_discarded_are_prepared_again(database: FreshDatabase) -> None:
    connection = await Connection.connect(database.superuser_dsn)
    try:
        await connection.run([("select 1", ())])
        await connection.run([("deallocate all", ())])
        (again,) = await connection.run([("select 1", ())])
    finally:
        connection.close()
    assert again.one() == (b"1",)


async def test_an_error_does_not_spoil_the_connection(database: FreshDatabase) -> None:
    connection = await Connection.connect(database.superuser_dsn)
    try:
        for _ in range(3):
            with pytest.raises(DatabaseError, match="22012"):
                await connection.run([("select 1", ()), ("select 1/0", ()), ("select 2", ())])
        (again,) = await connection.run([("select 2", ())])
    finally:
        connection.close()
    assert again.one() == (b"2",)


async def test_a_constraint_that_speaks_at_commit_is_an_error(database: FreshDatabase) -> None:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        admin.execute("create table late (id int unique deferrable initially deferred)")
    connection = await Connection.connect(database.superuser_dsn)
    try:
        with pytest.raises(DatabaseError, match="23505"):
            await connection.run([("insert into late values (1), (1)", ())])
        assert connection.usable
        assert connection.idle
    finally:
        connection.close()


async def test_large_statements_and_answers_pass(database: FreshDatabase) -> None:
    connection = await Connection.connect(database.superuser_dsn)
    big = b"x" * 30_000_000
    try:
        (result,) = await connection.run([("select $1::text", (big,))])
    finally:
        connection.close()
    assert result.one() == (big,)


async def test_those_who_wait_are_served_in_order_and_not_for_ever(database: FreshDatabase) -> None:
    impatient = Pool(Secret(database.superuser_dsn), 1, PoolLimits(acquire_seconds=0.2))
    async with impatient.connection():
        with pytest.raises(PoolExhausted):
            await impatient.run([("select 1", ())])
    await impatient.close()
    pool, order = Pool(Secret(database.superuser_dsn), 1), list[int]()

    async def one(number: int) -> None:
        await pool.run([("select 1", ())])
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(20)))
    await pool.close()
    assert order == list(range(20))


async def test_a_cancelled_request_frees_its_place(database: FreshDatabase) -> None:
    pool = Pool(Secret(database.superuser_dsn), 1)
    try:
        task = asyncio.create_task(pool.run([("select pg_sleep(60)", ())]))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (result,) = await pool.run([("select 1", ())])
    finally:
        await pool.close()
    assert result.one() == (b"1",)


async def test_an_unreachable_server_says_nothing_about_where_it_was() -> None:
    with pytest.raises(ConnectionLost) as caught:
        await Connection.connect("host=/nowhere user=somebody password=hidden")
    assert "nowhere" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def _end_all(world: World) -> None:
    world.sql("""
        select pg_terminate_backend(pid, 60000) from pg_stat_activity
        where datname = current_database() and usename = 'authenticator'
    """)
