"""What a function cannot do to others: to their answers, to this machine, to the builder."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from functions_world import DENO, served, write
from server_world import until

from freehold.kit import confined
from freehold.runtime.settings import FunctionLimits

pytestmark = pytest.mark.skipif(not DENO, reason="Deno is not installed")

GOOD = "Deno.serve((req) => new Response(req.headers.get('authorization') ?? 'none'));"
BAD = {
    "loops": "Deno.serve((req) => { while (!req.url.includes('well')); return new Response('well'); });",
    "hoards": """Deno.serve((req) => { const all = [];
      while (!req.url.includes('well')) all.push(new Array(1e5).fill(Math.random()));
      return new Response('well'); });""",
    "buffers": """Deno.serve(async (req) => { const all = [];
      while (!req.url.includes('well')) {
        all.push(new Uint8Array(32e6).fill(1)); await new Promise((r) => setTimeout(r, 10));
      }
      return new Response('well'); });""",
    "exits": "Deno.serve((req) => { if (!req.url.includes('well')) Deno.exit(3); return new Response('well'); });",
    "throws": "throw new Error('at import'); Deno.serve(() => new Response('never'));",
}
EXPECTED = {
    "loops": (546, "WORKER_LIMIT"),
    "hoards": (546, "WORKER_LIMIT"),
    "buffers": (546, "WORKER_LIMIT"),
    "exits": (500, "WORKER_ERROR"),
    "throws": (503, "BOOT_ERROR"),
}


async def test_what_breaks_one_function_never_reaches_another(tmp_path: Path) -> None:
    async with served(tmp_path / "s", write(tmp_path, {"good": GOOD, **BAD})) as world:
        async with aiohttp.ClientSession() as http:
            broken = asyncio.gather(*(_outcome(http, world.address(name)) for name in BAD))
            statuses = []
            while not broken.done():
                statuses.append((await http.get(world.address("good"))).status)
                await asyncio.sleep(0.02)
            outcomes = dict(zip(BAD, await broken, strict=True))
            assert outcomes == EXPECTED, {name: world.log(name) for name in BAD}
            assert len(statuses) > 20
            assert set(statuses) == {200}
            for name in ("loops", "hoards", "buffers", "exits"):
                answer = await http.get(world.address(f"{name}?well"))
                assert (answer.status, await answer.text()) == (200, "well"), name
        assert any("at import" in line["text"] for line in world.log("throws"))


async def test_two_hundred_calls_of_twenty_people_never_mix(tmp_path: Path) -> None:
    source = """Deno.serve(async (req) => {
      await new Promise((r) => setTimeout(r, Math.random() * 30));
      const body = await req.text();
      return new Response(req.headers.get("authorization") + " " + body);
    });"""
    async with served(tmp_path / "s", write(tmp_path, {"who": source})) as world, aiohttp.ClientSession() as http:

        async def ask(number: int) -> bool:
            headers = {"Authorization": f"Bearer person.{number % 20}.x"}
            answer = await http.post(world.address("who"), headers=headers, data=str(number))
            return await answer.text() == f"Bearer person.{number % 20}.x {number}"

        assert all(await asyncio.gather(*(ask(number) for number in range(200))))


async def test_a_stray_error_of_one_request_leaves_the_others_alone(tmp_path: Path) -> None:
    source = """Deno.serve(async (req) => {
      if (req.url.includes("stray")) setTimeout(() => { throw new Error("stray"); }, 1);
      if (req.url.includes("stray")) Promise.reject(new Error("x"));
      if (req.url.includes("throw")) throw new Error("in the handler");
      await new Promise((r) => setTimeout(r, 200));
      return new Response(String(Deno.pid));
    });"""
    async with served(tmp_path / "s", write(tmp_path, {"one": source})) as world, aiohttp.ClientSession() as http:
        calls = [http.get(world.address(path)) for path in ("one", "one?stray", "one")]
        answers = await asyncio.gather(*calls)
        assert len({await answer.text() for answer in answers}) == 1
        assert await _outcome(http, world.address("one?throw")) == (500, "WORKER_ERROR")


async def test_a_function_that_keeps_ending_is_paused(tmp_path: Path) -> None:
    functions = write(tmp_path, {"exits": BAD["exits"]})
    async with served(tmp_path / "s", functions) as world, aiohttp.ClientSession() as http:
        outcomes = [await _outcome(http, world.address("exits")) for _ in range(6)]
    assert outcomes[:4] == [(500, "WORKER_ERROR")] * 4
    assert outcomes[-1] == (503, "BOOT_ERROR")


async def test_functions_that_nobody_uses_make_room(tmp_path: Path) -> None:
    limits = FunctionLimits(total_megabytes=1)
    functions = write(
        tmp_path, {"a": "Deno.serve(() => new Response('a'));", "b": "Deno.serve(() => new Response('b'));"}
    )
    async with served(tmp_path / "s", functions, function_limits=limits) as world, aiohttp.ClientSession() as http:
        assert await (await http.get(world.address("a"))).text() == "a"
        first = await world.app._functions.worker("a")
        await until(lambda: first.memory_bytes and first.idle)
        assert await (await http.get(world.address("b"))).text() == "b"
        assert world.app._functions._slots["a"].worker is None
        assert await (await http.get(world.address("a"))).text() == "a"


async def test_an_answer_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    limits = FunctionLimits(answer_seconds=0.5)
    functions = write(tmp_path, {"slow": "Deno.serve(() => new Promise(() => {}));"})
    async with served(tmp_path / "s", functions, function_limits=limits) as world, aiohttp.ClientSession() as http:
        assert (await http.get(world.address("slow"))).status == 504


HOSTILE = """
import net from "node:net"; import http from "node:http"; import fs from "node:fs"; import dgram from "node:dgram";
const tries = (port, paths, addresses) => ({
  ...Object.fromEntries(addresses.flatMap((host) => {
    const bare = host.replace(/[\\[\\]]/g, "");
    return [
      [`fetch ${host}`, () => fetch(`http://${host}:${port}/`)],
      [`connect ${host}`, () => Deno.connect({ hostname: bare, port })],
      [`node ${host}`, () => node((done) => net.connect(port, bare, done))],
      [`nodehttp ${host}`, () => node((done) => http.get({ host: bare, port }, done))],
      [`websocket ${host}`, () => new Promise((done, fail) => {
        const socket = new WebSocket(`ws://${host}:${port}/`); socket.onopen = done; socket.onerror = fail; })],
      [`pool ${host}`, () => fetch(`http://${host}:${port}/`, { client: Deno.createHttpClient({}) })],
    ];
  })),
  metadata: () => fetch("http://169.254.169.254/latest/meta-data/"),
  listen: () => Deno.listen({ port: 0 }),
  listenLocal: () => Deno.listen({ port: 0, hostname: "127.0.0.1" }),
  nodeListen: () => node((done) => net.createServer().listen(0, done)),
  udp: () => node((done) => dgram.createSocket("udp4").bind(0, done)),
  ...Object.fromEntries(paths.map((path) => [`socket ${path}`, () => Deno.connect({ transport: "unix", path })])),
  ...Object.fromEntries(
    paths.map((path) => [`node socket ${path}`, () => node((done) => net.connect({ path }, done))])),
  ...Object.fromEntries(paths.map((path) => [`read ${path}`, () => Deno.readTextFile(path)])),
  ...Object.fromEntries(paths.map((path) => [`node read ${path}`, () => fs.promises.readFile(path)])),
  own: () => Deno.writeTextFile(new URL("./x.ts", import.meta.url), "x"),
  link: () => Deno.symlink("/etc/passwd", Deno.env.get("TMPDIR") + "/link"),
  run: () => new Deno.Command("/bin/sh", { args: ["-c", "id"] }).output(),
  ffi: () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", { getpid: { parameters: [], result: "i32" } }),
  kill: () => Deno.kill(Deno.ppid, "SIGCONT"),
  interfaces: () => Deno.networkInterfaces(),
  worker: () => new Promise((done, fail) => {
    const code = `fetch("http://127.0.0.1:${port}/").then(() => postMessage("in"), () => postMessage("out"))`;
    const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
    worker.onmessage = (event) => event.data === "in" ? done() : fail(new Error("denied"));
  }),
});
const node = (start) => new Promise((done, fail) => { const it = start(() => done()); it.on?.("error", fail); });
Deno.serve(async (req) => {
  const { port, paths, addresses } = await req.json();
  const through = [];
  for (const [name, attempt] of Object.entries(tries(port, paths, addresses))) {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error("late")), 1500));
    try { await Promise.race([attempt(), late]); through.push(name); } catch { /* as it should be */ }
  }
  await Deno.writeTextFile(Deno.env.get("TMPDIR") + "/mine", "ok");
  const todos = Deno.env.get("SUPABASE_URL") + "/rest/v1/todos?select=*";
  const api = await (await fetch(todos, { headers: { apikey: "k" } })).json();
  return Response.json({ through, api, tried: Object.keys(tries(port, paths, addresses)).length });
});
"""


async def test_a_hostile_function_reaches_nothing_but_the_api(tmp_path: Path) -> None:
    came: list[str] = []

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("sockname")))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    victim = await asyncio.start_server(greet, "0.0.0.0", 0)
    port = victim.sockets[0].getsockname()[1]
    victim6 = await asyncio.start_server(greet, "::", port)
    secret, socket_path = tmp_path / "secret.txt", tmp_path / "v"
    secret.write_text("secret")
    unix = await asyncio.start_unix_server(greet, socket_path)
    addresses = ["127.0.0.1", "localhost", "127.0.0.2", "127.1", "2130706433", "0.0.0.0", "[::1]", "[::]",
                 "[::ffff:127.0.0.1]", "localhost.", *confined.own_addresses()]  # fmt: skip
    functions = write(tmp_path, {"hostile": HOSTILE, "other": GOOD})
    async with served(tmp_path / "s", functions) as world, aiohttp.ClientSession() as http:
        await http.get(world.address("other"))
        folder = world.app._functions._folders._folder
        paths = ["/etc/passwd", str(folder / "1" / "api"),
                 "/proc/self/environ", f"/proc/{os.getpid()}/environ", str(secret), str(socket_path),
                 str(functions[1].directory / functions[1].entry), str(folder / "1" / "fn"),
                 str(tmp_path / "s" / "logs" / "other.log")]  # fmt: skip
        order = {"port": port, "paths": paths, "addresses": addresses}
        got = json.loads(await (await http.post(world.address("hostile"), data=json.dumps(order))).text())
    for server in (victim, victim6, unix):
        server.close()
    assert came == []
    assert got["tried"] > 80
    assert got["through"] == []
    assert got["api"]["path"] == "/rest/v1/todos"
    assert got["api"]["query"] == "select=*"
    assert got["api"]["headers"]["apikey"] == "k"


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    write(tmp_path, {"good": "Deno.serve(() => new Response(String(Deno.pid)));"})
    program = tmp_path / "serve.py"
    program.write_text(SERVE)
    root = str(Path(__file__).parents[1] / "support")
    with subprocess.Popen(
        [sys.executable, str(program), str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert Path(f"/proc/{pid}/exe").exists()
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/exe").exists():
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


SERVE = """
import asyncio, sys
from pathlib import Path
import aiohttp
from functions_world import served, write

async def main():
    root = Path(sys.argv[1])
    functions = write(root, {"good": "Deno.serve(() => new Response(String(Deno.pid)));"})
    async with served(root / "s", functions) as world, aiohttp.ClientSession() as http:
        print(await (await http.get(world.address("good"))).text(), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def _outcome(http: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    answer = await http.get(address)
    return answer.status, (await answer.json())["code"]
