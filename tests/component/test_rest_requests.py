"""What holds for every request: identity, limits, transactions, and an answer whatever goes wrong."""

import asyncio
import json

import nested
import pytest
from rest_world import World, rest_world

from freehold.runtime.rest import plans
from freehold.testing.database import FreshDatabase


async def test_one_prepared_statement_obeys_row_security_of_each_caller(database: FreshDatabase) -> None:
    async with rest_world(database, pool_size=1) as world:
        seen = [await _ids(world, who) for who in ("ann", "ben", "anon", "service", "ann")]
    assert seen == [[1, 2], [3], [], [1, 2, 3], [1, 2]]


async def test_a_caller_is_gone_with_the_request_even_when_it_failed(database: FreshDatabase) -> None:
    async with rest_world(database, pool_size=1) as world:
        failed = await world.ask("service", "/rpc/refuse", method="POST", body={"reason": "no"})
        after = await world.ask("anon", "/rpc/whoami")
    assert failed.status == 400
    assert after.json == {"role": "anon", "id": None, "email": None}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "PGRST301"),
        ({"authorization": "Bearer nonsense", "apikey": "x"}, 401, "PGRST301"),
        ({"apikey": "sb_secret_guess"}, 401, "PGRST301"),
        *(({"authorization": f"Bearer {token}"}, 401, "PGRST301") for token in nested.tokens()),
    ],
)
async def test_credentials_that_cannot_be_read_are_refused(
    database: FreshDatabase, headers: dict[str, str], status: int, code: str
) -> None:
    async with rest_world(database) as world:
        answer = await world.ask("nobody", "/customers", headers=headers)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_reads_cannot_write(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        answer = await world.ask("service", "/rpc/add_customer?name=Sneaky")
        assert (answer.status, answer.json["code"]) == (405, "25006")
        assert world.sql("select count(*) from public.customers") == [(3,)]


async def test_a_rolled_back_write_leaves_nothing(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        world.sql("alter role authenticator set pgrst.db_tx_end = 'commit-allow-override'")
        try:
            await world.app.state.reload()
            prefer = {"prefer": "tx=rollback, return=representation"}
            answer = await world.ask("ann", "/customers", method="POST", body={"name": "Gone"}, headers=prefer)
            assert (answer.status, answer.json[0]["name"]) == (201, "Gone")
            assert answer.headers["preference-applied"] == "return=representation, tx=rollback"
            assert world.sql("select count(*) from public.customers") == [(3,)]
        finally:
            world.sql("alter role authenticator reset pgrst.db_tx_end")


async def test_values_never_become_sql(database: FreshDatabase) -> None:
    hostile = "'; drop table public.customers; --"
    async with rest_world(database) as world:
        read = await world.ask("ann", f"/customers?name=eq.{hostile}")
        cast = await world.ask("ann", "/customers?select=id::int);drop table public.customers")
        named = await world.ask("ann", '/customers?select="id"";drop table"')
        written = await world.ask("ann", "/customers", method="POST", body={"name": hostile})
        assert (read.status, written.status) == (200, 201)
        assert {cast.status, named.status} <= {200, 400}
        assert world.sql("select count(*) from public.customers where name = %s", hostile) == [(1,)]


@pytest.mark.parametrize("query", ["name=eq.a%00b", "name=in.(a%00b)", "name=eq.%ff", "select=a%00b", "a%00b=eq.1"])
async def test_bytes_that_postgresql_cannot_hold_are_refused(database: FreshDatabase, query: str) -> None:
    async with rest_world(database) as world:
        assert (await world.ask("ann", f"/customers?{query}")).status in (200, 400)


async def test_nesting_and_sizes_have_limits(database: FreshDatabase) -> None:
    deep = "(".join(["a"] * 200) + ")" * 199
    logic = "and(" * 200 + "id.eq.1" + ")" * 200
    async with rest_world(database) as world:
        answers = [
            await world.ask("ann", f"/customers?select={deep}"),
            await world.ask("ann", f"/customers?or=({logic})"),
            await world.ask("ann", "/customers", method="POST", body="[" * 100_000),
        ]
    assert [answer.status for answer in answers] == [400, 400, 400]
    assert all(answer.json["code"].startswith("PGRST") for answer in answers)


async def test_each_body_is_read_for_itself_though_the_way_to_read_it_is_kept(database: FreshDatabase) -> None:
    bodies = ('{"name":"a"}', '{"name":"b","details":{"x":1}}', "{", '[{"name":"c"},{"name":"d"}]', '{"nope":1}',
              '[{"name":"e"},{"details":{}}]', '{"name":"f"}')  # fmt: skip
    prefer = {"prefer": "return=representation"}
    async with rest_world(database) as world:
        answers = [
            await world.ask("ann", "/customers?select=name", method="POST", body=body, headers=prefer)
            for body in bodies
        ]
    assert [answer.status for answer in answers] == [201, 201, 400, 201, 400, 400, 201]
    assert [answer.json["code"] for answer in answers if answer.status == 400] == ["PGRST102", "PGRST204", "PGRST102"]
    names = [row["name"] for answer in answers if answer.status == 201 for row in answer.json]
    assert names == ["a", "b", "c", "d", "f"]


async def test_requests_of_a_long_shape_are_answered_and_not_kept(database: FreshDatabase) -> None:
    long = "y" * plans.LONGEST_KEPT
    shapes: list[tuple[str, dict[str, str]]] = [
        ("/customers", {"accept": f"application/json;x={long}"}),
        ("/customers", {"prefer": f"return=minimal,{long}"}),
        (f"/customers?select=name&name=neq.x&or=(name.neq.{long},id.eq.1)", {}),
    ]
    async with rest_world(database) as world:
        known = world.app.state.known
        assert known is not None
        for path, headers in shapes:
            assert (await world.ask("ann", path, headers=headers)).status == 200
            body = {"name": "a"}
            assert (await world.ask("ann", path, method="POST", body=body, headers=headers)).status == 201
        assert (len(known.plans), len(known.readers)) == (0, 0)
        assert (await world.ask("ann", "/customers", method="POST", body=body)).status == 201
        assert (len(known.plans), len(known.readers)) == (1, 1)


async def test_thirty_levels_are_read(database: FreshDatabase) -> None:
    logic = "and(" * 25 + "id.eq.1" + ")" * 25
    async with rest_world(database) as world:
        answer = await world.ask("ann", f"/customers?or=({logic})&select=id")
    assert answer.json == [{"id": 1}]


async def test_a_request_that_nobody_waits_for_stops_in_postgresql(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        world.sql("create function public.doze() returns void language sql volatile as 'select pg_sleep(60)'")
        await world.app.state.reload()
        request = asyncio.create_task(world.ask("ann", "/rpc/doze", method="POST"))
        await world.until(lambda: _dozing(world) == 1)
        await asyncio.sleep(0.6)
        request.cancel()
        await world.until(lambda: _dozing(world) == 0)
        assert (await world.ask("ann", "/rpc/project_count")).json == 2


async def test_errors_carry_the_four_keys_and_an_exact_length(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        answer = await world.ask("ann", "/customers?nope=eq.1")
    assert sorted(json.loads(answer.body)) == ["code", "details", "hint", "message"]
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["proxy-status"] == "PostgREST; error=42703"


async def test_a_function_may_write_headers_and_status_but_not_break_out(database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        world.sql("""
            create function public.with_headers(text) returns void language sql as
            $$ select set_config('response.headers', $1, true) $$
        """)
        await world.app.state.reload()
        own = json.dumps([{"X-Own": "yes"}])
        broken = json.dumps([{"X-Own": "yes\r\nSet-Cookie: a=b"}])
        plain = {"content-type": "text/plain"}
        good = await world.ask("ann", "/rpc/with_headers", method="POST", body=own, headers=plain)
        bad = await world.ask("ann", "/rpc/with_headers", method="POST", body=broken, headers=plain)
    assert (good.status, good.headers["x-own"]) == (204, "yes")
    assert (bad.status, bad.json["code"], "set-cookie" in bad.headers) == (500, "PGRST111", False)


async def test_role_settings_and_isolation_hold_for_the_request(database: FreshDatabase) -> None:
    async with rest_world(database, pool_size=1) as world:
        world.sql("""
            create function public.limits() returns json language sql stable as
            $$ select json_build_array(current_setting('statement_timeout'),
                                       current_setting('transaction_isolation')) $$
        """)
        world.sql("alter role authenticated set statement_timeout = '7s'")
        world.sql("alter role authenticated set default_transaction_isolation = 'serializable'")
        try:
            await world.app.state.reload()
            user = await world.ask("ann", "/rpc/limits")
            stranger = await world.ask("anon", "/rpc/limits")
        finally:
            world.sql("alter role authenticated reset statement_timeout")
            world.sql("alter role authenticated reset default_transaction_isolation")
    assert user.json == ["7s", "serializable"]
    assert stranger.json[0] != "7s"
    assert stranger.json[1] == "read committed"


async def _ids(world: World, who: str) -> list[int]:
    return [row["id"] for row in (await world.ask(who, "/projects?select=id&order=id")).json]


def _dozing(world: World) -> int:
    query = """
        select count(*) from pg_stat_activity
        where datname = current_database() and usename = 'authenticator' and state = 'active' and query like '%doze%'
    """
    return int(world.sql(query)[0][0])
