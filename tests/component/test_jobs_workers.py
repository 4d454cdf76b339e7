"""What runs behind the requests: scheduled jobs, and requests that SQL has asked for."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp import web
from functions_world import DENO, write
from realtime_world import World, realtime_world
from served import served

from freehold.testing.database import FreshDatabase

ANSWER = "select status_code, content, timed_out, error_msg from net._http_response where id = %s"


async def answered(world: World, number: int) -> tuple[Any, ...]:
    rows = await world.until(lambda: world.sql(ANSWER, number))
    return tuple(rows[0])


def queued(world: World, call: str, *values: object) -> int:
    return int(world.sql(f"select net.{call}", *values)[0][0])


@pytest.fixture
async def elsewhere() -> AsyncIterator[str]:
    """A server on this machine that SQL must not reach."""
    called: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        called.append(request.path)
        return web.Response(text="the neighbour")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with served(app) as url:
        yield url.removeprefix("http://")
    assert called == []


async def test_requests_from_sql_reach_the_apps_own_api(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        headers = f'{{"apikey": "{world.tokens["service"]}", "Content-Type": "application/json"}}'
        number = queued(
            world,
            'http_post(%s, \'{"id": 5, "title": "by net"}\', headers := %s, timeout_milliseconds := 60000)',
            f"{world.url}/rest/v1/news",
            headers,
        )
        assert await answered(world, number) == (201, "", False, None)
        assert world.sql("select title from news") == [("by net",)]
        number = queued(
            world, 'http_get(%s, \'{"id": "eq.5", "select": "id"}\', %s, 60000)', f"{world.url}/rest/v1/news", headers
        )
        assert (await answered(world, number))[:2] == (200, '[{"id":5}]')
        assert world.sql("select count(*) from net.http_request_queue") == [(0,)]


async def test_the_old_projects_address_is_answered_by_our_own(database: FreshDatabase) -> None:
    async with realtime_world(database, function_hosts={"abc.supabase.co": ""}) as world:
        headers = f'{{"apikey": "{world.tokens["anon"]}"}}'
        number = queued(world, "http_get('https://abc.supabase.co/rest/v1/news', '{}', %s, 60000)", headers)
        assert (await answered(world, number))[:2] == (200, "[]")


async def test_requests_from_sql_do_not_reach_this_machine_or_its_network(
    database: FreshDatabase, elsewhere: str
) -> None:
    port = elsewhere.rpartition(":")[2]
    addresses = [
        f"http://{elsewhere}/",
        f"http://localhost:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://2130706433:{port}/",
        f"http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3/",
        "http://192.168.1.1/",
    ]
    async with realtime_world(database) as world:
        numbers = {one: queued(world, "http_get(%s, timeout_milliseconds := 3000)", one) for one in addresses}
        numbers["mail"] = queued(world, "http_get(%s)", f"{world.url}/_freehold/mail/messages")
        for address, number in numbers.items():
            status, content, _, problem = await answered(world, number)
            assert (status, content) == (None, None), address
            assert problem, address


async def test_a_redirect_does_not_lead_around_the_walls(
    database: FreshDatabase, elsewhere: str, tmp_path: Path
) -> None:
    if not DENO:
        pytest.skip("Deno is not installed")
    source = f"Deno.serve(() => new Response(null, {{status: 302, headers: {{location: 'http://{elsewhere}/'}}}}))"
    functions = write(tmp_path, {"away": source})
    state = tmp_path / "state"
    async with realtime_world(database, functions=functions, deno=DENO, function_state_directory=state) as world:
        number = queued(world, "http_get(%s, timeout_milliseconds := 60000)", f"{world.url}/functions/v1/away")
        status, _, _, problem = await answered(world, number)
        assert status is None
        assert "cannot reach" in problem


async def test_a_slow_answer_times_out(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("create function public.slow() returns int language sql as 'select pg_sleep(2); select 1'")
    async with realtime_world(database) as world:
        number = queued(
            world,
            "http_post(%s, headers := %s, timeout_milliseconds := 200)",
            f"{world.url}/rest/v1/rpc/slow",
            f'{{"apikey": "{world.tokens["service"]}", "Content-Type": "application/json"}}',
        )
        assert await answered(world, number) == (None, None, True, "Timeout of 200 ms reached")


async def test_jobs_run_as_the_owner_and_their_ends_are_kept(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("create table public.runs (who text default current_user, session text default session_user)")
        owner.execute("select cron.schedule('good', '1 second', 'insert into runs default values; select 1; select 2')")
        owner.execute("select cron.schedule('bad', '1 second', 'select 1/0')")
    async with realtime_world(database) as world:
        await world.until(lambda: world.sql("select count(*) from runs")[0][0] >= 2)
        assert world.sql("select distinct who = session, who from runs") == [
            (True, world.sql("select owner from freehold.installation")[0][0])
        ]
        query = (
            "select distinct j.jobname, status, return_message from cron.job_run_details join cron.job j using (jobid)"
            " where status <> 'running' order by 1"
        )
        assert await world.until(lambda: len(world.sql(query)) == 2)
        assert world.sql(query) == [("bad", "failed", "ERROR: division by zero"), ("good", "succeeded", "1 row")]


async def test_a_job_of_another_role_is_refused_and_says_why(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        world.sql(
            "insert into cron.job (schedule, command, username) values ('1 second', 'select 1', 'supabase_admin')"
        )
        rows = await world.until(
            lambda: world.sql("select status, return_message from cron.job_run_details where end_time is not null")
        )
        assert rows[0][0] == "failed"
        assert "supabase_admin" in rows[0][1]


async def test_a_job_never_runs_beside_itself(database: FreshDatabase) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("create table public.steps (at timestamptz default clock_timestamp(), what text)")
        command = (
            "insert into steps (what) values ('in'); select pg_sleep(1.5); insert into steps (what) values ('out')"
        )
        owner.execute("select cron.schedule('long', '1 second', %s)", [command.replace("; select", "; commit; select")])
    async with realtime_world(database) as world:
        await world.until(lambda: world.sql("select count(*) from steps where what = 'out'")[0][0] >= 2)
        whats = [row[0] for row in world.sql("select what from steps order by at limit 4")]
        assert whats == ["in", "out", "in", "out"]


@pytest.mark.skipif(not DENO, reason="Deno is not installed")
async def test_cron_calls_a_function_that_writes_through_the_api(database: FreshDatabase, tmp_path: Path) -> None:
    source = """Deno.serve(async (req) => {
      const { id } = await req.json();
      const answer = await fetch(Deno.env.get("SUPABASE_URL") + "/rest/v1/news", { method: "POST",
        headers: { apikey: Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"), "content-type": "application/json" },
        body: JSON.stringify({ id, title: "by cron" }) });
      return new Response(null, { status: answer.status });
    });"""
    functions = write(tmp_path, {"tick": source})
    state = tmp_path / "state"
    async with realtime_world(database, functions=functions, deno=DENO, function_state_directory=state) as world:
        with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
            command = (
                f"select net.http_post(url := '{world.url}/functions/v1/tick',"
                f' headers := \'{{"Authorization": "Bearer {world.tokens["anon"]}"}}\'::jsonb,'
                " body := jsonb_build_object('id', (select count(*) from news)), timeout_milliseconds := 60000)"
                " as request_id;"
            )
            owner.execute("select cron.schedule('tick', '1 second', %s)", [command])
        await world.until(lambda: world.sql("select title from news") != [])
        assert world.sql("select distinct title from news") == [("by cron",)]
