"""Edge functions on real Deno processes, called over HTTP."""

import asyncio
import contextlib
import os
from pathlib import Path

import aiohttp
import pytest
from functions_world import DENO, LOVABLE_KEY, PUBLISHABLE, SECRET, served, token, write
from server_world import until

pytestmark = pytest.mark.skipif(not DENO, reason="Deno is not installed")

ECHO = """
Deno.serve(async (req) => {
  const body = await req.text();
  return Response.json({
    url: req.url, method: req.method, headers: Object.fromEntries(req.headers), body,
  }, { headers: { "access-control-allow-origin": "https://app.example" } });
});
"""


async def test_a_function_sees_the_request_as_on_the_builders_platform(tmp_path: Path) -> None:
    async with served(tmp_path / "s", write(tmp_path, {"echo": ECHO})) as world, aiohttp.ClientSession() as http:
        answer = await http.post(world.address("echo/sub%20path?a=1&a=%26"), data=b"hi", headers={"X-One": "1"})
        got = await answer.json()
    assert got["url"] == f"{world.url}/echo/sub%20path?a=1&a=%26"
    assert (got["method"], got["body"], got["headers"]["x-one"]) == ("POST", "hi", "1")
    assert not [name for name in got["headers"] if name.startswith("x-freehold")]
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


async def test_concurrent_first_calls_share_one_process(tmp_path: Path) -> None:
    source = "Deno.serve(() => new Response(String(Deno.pid)));"
    async with served(tmp_path / "s", write(tmp_path, {"pid": source})) as world, aiohttp.ClientSession() as http:
        answers = await asyncio.gather(*(http.get(world.address("pid")) for _ in range(20)))
        pids = {await answer.text() for answer in answers}
    assert len(pids) == 1


async def test_every_way_to_serve_works(tmp_path: Path) -> None:
    sources = {
        "handler": "Deno.serve(() => new Response('a'));",
        "options": "Deno.serve({ port: 8000, hostname: '0.0.0.0', onListen() {} }, () => new Response('b'));",
        "object": "Deno.serve({ port: 1, handler: () => new Response('c') });",
        "exported": "export default { fetch: () => new Response('d') };",
        "plain": "export default () => new Response('e');",
    }
    async with served(tmp_path / "s", write(tmp_path, sources)) as world, aiohttp.ClientSession() as http:
        answers = [await (await http.get(world.address(name))).text() for name in sources]
    assert answers == ["a", "b", "c", "d", "e"]


async def test_who_may_call(tmp_path: Path) -> None:
    functions = write(tmp_path, {"echo": ECHO}, open_to_all=False)
    cases = [
        ({}, 401),
        ({"Authorization": "Bearer rubbish"}, 401),
        ({"Authorization": f"Bearer {token('authenticated', exp=1)}"}, 401),
        ({"Authorization": f"Bearer {token('authenticated')[:-3]}abc"}, 401),
        ({"apikey": "sb_publishable_other"}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": f"Bearer {token('authenticated')}"}, 200),
        ({"apikey": PUBLISHABLE}, 200),
        ({"Authorization": f"Bearer {PUBLISHABLE}"}, 200),
        ({"Authorization": "Bearer the-old-anon-key"}, 200),
    ]
    async with served(tmp_path / "s", functions) as world, aiohttp.ClientSession() as http:
        for headers, status in cases:
            answer = await http.get(world.address("echo"), headers=headers)
            assert answer.status == status, headers
            if status == 401:
                assert set(await answer.json()) == {"code", "message", "msg"}
                assert answer.headers["sb-error-code"].startswith("UNAUTHORIZED_")
        preflight = await http.options(world.address("echo"))
        assert preflight.status == 200
        assert (await http.get(world.address("none"))).status == 404
        got = await (await http.get(world.address("echo"), headers={"apikey": SECRET})).json()
        assert got["headers"]["authorization"] == f"Bearer {world.settings.service_role_jwt.reveal()}"


async def test_answers_stream_and_large_bodies_pass(tmp_path: Path) -> None:
    sources = {
        "sse": """let more;
        Deno.serve((req) => {
          if (req.url.includes("more")) { more(); return new Response("told"); }
          const text = new TextEncoder();
          const body = new ReadableStream({ async start(c) {
            c.enqueue(text.encode("data: 1\\n\\n"));
            await new Promise((told) => { more = told; });
            c.enqueue(text.encode("data: 2\\n\\n"));
            c.close();
          }});
          return new Response(body, { headers: { "content-type": "text/event-stream" } });
        });""",
        "big": "Deno.serve((req) => new Response(req.body));",
    }
    async with served(tmp_path / "s", write(tmp_path, sources)) as world, aiohttp.ClientSession() as http:
        async with http.get(world.address("sse")) as answer:
            assert await answer.content.readany() == b"data: 1\n\n", "the function has not given the rest yet"
            assert await (await http.get(world.address("sse?more"))).text() == "told"
            assert await answer.content.read() == b"data: 2\n\n"
        sent = os.urandom(1024 * 1024) * 24
        assert await (await http.post(world.address("big"), data=sent)).read() == sent


async def test_a_client_that_goes_away_is_noticed_by_the_function(tmp_path: Path) -> None:
    source = """Deno.serve((req) => {
      req.signal.addEventListener("abort", () => console.log("gone"));
      console.log("asked");
      return new Promise(() => {});
    });"""
    async with served(tmp_path / "s", write(tmp_path, {"slow": source})) as world, aiohttp.ClientSession() as http:
        asking = asyncio.create_task(http.get(world.address("slow")))
        await until(lambda: [line["text"] for line in world.log("slow")] == ["asked"])
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: [line["text"] for line in world.log("slow")] == ["asked", "gone"])


async def test_the_environment_is_the_functions_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNERS_SHELL", "must not be seen")
    source = "Deno.serve(() => Response.json({ env: Deno.env.toObject(), args: Deno.args }));"
    async with served(tmp_path / "s", write(tmp_path, {"env": source})) as world, aiohttp.ClientSession() as http:
        got = await (await http.get(world.address("env"))).json()
        (command,) = _commands(tmp_path)
    env = got["env"]
    for name in ("HOME", "PATH", "PWD", "HOSTNAME", "OWNERS_SHELL", "FREEHOLD_FUNCTION", "SUPABASE_DB_URL"):
        assert name not in env
    assert env["SUPABASE_URL"] == world.url
    assert env["SUPABASE_ANON_KEY"].count(".") == env["SUPABASE_SERVICE_ROLE_KEY"].count(".") == 2
    assert env["OWN_SECRET"] == "hush-hush-value"
    assert env["LOVABLE_API_KEY"] == LOVABLE_KEY
    for value in ("hush-hush-value", LOVABLE_KEY, SECRET, world.settings.service_role_jwt.reveal()):
        assert value.encode() not in command


async def test_log_lines_name_their_request_and_hold_no_secret(tmp_path: Path) -> None:
    source = """Deno.serve(async (req) => {
      console.log("key is %s", Deno.env.get("OWN_SECRET"));
      await new Promise((r) => setTimeout(r, 50));
      console.error(new URL(req.url).searchParams.get("n"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
      return new Response("ok");
    });"""
    async with served(tmp_path / "s", write(tmp_path, {"talk": source})) as world, aiohttp.ClientSession() as http:
        answers = await asyncio.gather(*(http.get(world.address(f"talk?n=n{number}")) for number in range(5)))
        ids = {f"n{number}": answer.headers["sb-request-id"] for number, answer in enumerate(answers)}
    lines = world.log("talk")
    text = "".join(line["text"] for line in lines)
    assert "hush-hush-value" not in text
    assert world.settings.service_role_jwt.reveal() not in text
    assert {line["text"].split()[0]: line["request"] for line in lines if line["level"] == "error"} == ids
    assert [line["text"] for line in lines if line["level"] == "log"] == ["key is [secret]"] * 5


async def test_work_given_to_wait_until_ends_after_the_answer(tmp_path: Path) -> None:
    source = """Deno.serve(() => {
      EdgeRuntime.waitUntil(new Promise((r) => setTimeout(r, 700)).then(() => console.log("done")));
      EdgeRuntime.waitUntil(Promise.reject(new Error("stray")));
      return new Response("ok");
    });"""
    functions = write(tmp_path, {"later": source})
    async with served(tmp_path / "s", functions) as world, aiohttp.ClientSession() as http:
        assert (await http.get(world.address("later"))).status == 200
    assert "done" in [line["text"] for line in world.log("later")]


async def test_the_builders_ai_gateway_is_answered_here(tmp_path: Path) -> None:
    source = """Deno.serve(async (req) => {
      const key = new URL(req.url).searchParams.get("key") ?? Deno.env.get("LOVABLE_API_KEY");
      const request = new Request("https://ai.gateway.lovable.dev/v1/chat/completions", {
        method: "POST", body: "{}", headers: { Authorization: `Bearer ${key}` } });
      const answer = await fetch(request);
      return new Response(await answer.text(), { status: answer.status });
    });"""
    async with served(tmp_path / "s", write(tmp_path, {"ai": source})) as world, aiohttp.ClientSession() as http:
        answer = await http.get(world.address("ai"))
        assert (answer.status, (await answer.json(content_type=None))["type"]) == (503, "not_configured")
        assert "freehold secrets set" in (await answer.text())
        assert (await http.get(world.address("ai?key=other"))).status == 401


async def test_nothing_is_left_when_the_server_stops(tmp_path: Path) -> None:
    async with served(tmp_path / "s", write(tmp_path, {"echo": ECHO})) as world, aiohttp.ClientSession() as http:
        await http.get(world.address("echo"))
        folder = world.app._functions._folders._folder
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert _commands(tmp_path) == []


def _commands(mentioning: Path) -> list[bytes]:
    """The command lines of running programs that name this path."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
            if str(mentioning).encode() in line:
                found.append(line)
    return found


async def test_packages_that_ask_by_node_http_reach_the_api_and_nothing_else_on_this_machine(tmp_path: Path) -> None:
    source = """import http from "node:http";
    const ask = (options) => new Promise((resolve) => {
      const asked = http.request(options, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve(Buffer.concat(parts).toString()));
      });
      asked.on("error", (error) => resolve(String(error.code ?? error.message)));
      asked.end();
    });
    Deno.serve(async () => {
      const own = new URL(Deno.env.get("SUPABASE_URL") + "/rest/v1/todos?a=1");
      return Response.json({
        parts: JSON.parse(await ask({ hostname: own.hostname, port: own.port, path: own.pathname + own.search,
          headers: { "x-own": "yes" } })),
        address: JSON.parse(await ask(own.href)).path,
        other: await ask({ hostname: "127.0.0.1", port: 1, path: "/" }),
      });
    });"""
    async with served(tmp_path / "state", write(tmp_path, {"asks": source})) as world, aiohttp.ClientSession() as http:
        answer = await http.post(world.address("asks"))
        found = await answer.json()
    assert (found["parts"]["path"], found["parts"]["query"]) == ("/rest/v1/todos", "a=1")
    assert found["parts"]["headers"]["x-own"] == "yes"
    assert found["address"] == "/rest/v1/todos"
    assert "ECONNREFUSED" not in found["other"]
