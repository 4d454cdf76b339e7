"""An app's own server as a Node process of the release: real Node, small servers."""

import asyncio
import dataclasses
import os
import signal
import socket
from pathlib import Path

import aiohttp
import pytest
from functions_world import SECRET
from server_world import LIMITS, served, text, until

from freehold.core.errors import ProcessDied
from freehold.runtime.settings import ServerLimits

HEAD = 'import http from "node:http";\n'
ECHO = (
    HEAD
    + """http.createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  console.log("asked for", request.url);
  response.setHeader("set-cookie", ["a=1", "b=2"]);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({
    url: request.url, method: request.method, body: Buffer.concat(parts).toString(), headers: request.headers,
    raw: request.rawHeaders, from: request.socket.remoteAddress, names: Object.keys(process.env).sort(),
    site: process.env.SITE_URL, own: process.env.OWN_SECRET,
  }));
}).listen(process.env.PORT);
"""
)


def page(expression: str) -> str:
    """A server that answers each request with what an expression of `request` gives, or with its error's code."""
    return (
        HEAD
        + 'import net from "node:net"; import fs from "node:fs"; import dgram from "node:dgram";\n'
        + "http.createServer(async (request, response) => {\n"
        + "  const query = new URL(request.url, 'http://x').searchParams;\n"
        + f"  try {{ response.end(String(await ({expression}))); }}\n"
        + "  catch (error) { response.end(String(error.cause?.code ?? error.code ?? error.message)); }\n"
        + "}).listen(3000);\n"
    )


async def test_a_request_reaches_the_server_as_the_client_sent_it(tmp_path: Path) -> None:
    async with served(tmp_path, ECHO) as world, aiohttp.ClientSession() as http:
        forged = {"x-freehold-client": "6.6.6.6", "x-forwarded-for": "6.6.6.6, 198.51.100.7"}
        headers = forged | {"authorization": "Bearer mine"}
        async with http.post(world.url + "/a%2Fb?c=%20d", data="hello", headers=headers) as answer:
            seen = await answer.json()
            cookies = answer.headers.getall("set-cookie")
    assert (seen["url"], seen["method"], seen["body"]) == ("/a%2Fb?c=%20d", "POST", "hello")
    assert seen["headers"]["authorization"] == "Bearer mine"
    assert (seen["headers"]["x-forwarded-for"], seen["from"]) == ("198.51.100.7", "198.51.100.7")
    assert seen["headers"]["host"] == world.url.removeprefix("http://")
    assert not any(str(item).startswith("x-freehold") for item in (*seen["raw"], *seen["headers"]))
    assert cookies == ["a=1", "b=2"]


async def test_the_server_gets_the_secrets_that_it_reads_and_no_others(tmp_path: Path) -> None:
    async with served(tmp_path, ECHO) as world, aiohttp.ClientSession() as http:
        seen = await (await http.get(world.url + "/")).json()
    assert {"OWN_SECRET", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_URL", "VITE_TITLE"} <= set(seen["names"])
    assert {"LOVABLE_API_KEY", "SUPABASE_SECRET_KEYS", "FREEHOLD_SERVER", "PATH"}.isdisjoint(seen["names"])
    assert (seen["own"], seen["site"]) == ("hush-hush-value", world.url)


async def test_a_log_line_names_its_request_and_hides_secrets(tmp_path: Path) -> None:
    source = ECHO.replace('"asked for"', '"asked for", process.env.OWN_SECRET')
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        async with http.get(world.url + "/logged") as answer:
            request = answer.headers["sb-request-id"]
        await until(lambda: [line for line in world.log() if "/logged" in line["text"]])
        found = [line for line in world.log() if "/logged" in line["text"]]
    assert (found[0]["request"], found[0]["text"]) == (request, "asked for [secret] /logged")


async def test_an_answer_streams(tmp_path: Path) -> None:
    source = HEAD + (
        "let more; http.createServer((request, response) => {\n"
        "  if (request.url === '/more') { more(); return response.end(); }\n"
        "  response.write('first'); more = () => response.end('second');\n"
        "}).listen(3000);\n"
    )
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http, http.get(world.url) as answer:
        assert await answer.content.readany() == b"first", "the server has not sent the rest yet"
        await http.get(world.url + "/more")
        assert await answer.content.read() == b"second"


async def test_files_are_served_without_the_server_and_missing_hashed_ones_are_not_asked_for(tmp_path: Path) -> None:
    pages = {"assets/app-1a2b.js": "script", "robots.txt": "robots"}
    async with served(tmp_path, page("'the server'"), pages) as world, aiohttp.ClientSession() as http:
        assert await text(http, world, "/assets/app-1a2b.js") == "script"
        assert await text(http, world, "/robots.txt") == "robots"
        assert (await http.get(world.url + "/assets/gone.js")).status == 404
        assert await text(http, world, "/anything.txt") == "the server"
        assert await (await http.post(world.url + "/robots.txt")).text() == "the server"


async def test_a_killed_server_comes_back(tmp_path: Path) -> None:
    async with served(tmp_path, page("process.pid")) as world, aiohttp.ClientSession() as http:
        before = world.pid
        assert await text(http, world) == str(before)
        os.kill(before, signal.SIGKILL)
        await until(lambda: world.pid not in (0, before))
        assert await text(http, world) == str(world.pid)


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        ("(() => { for (;;); })()", "CPU"),
        ("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", "stood still"),
        ("(() => { const a = []; for (;;) a.push(new Array(1e5).fill({})); })()", "memory"),
    ],
    ids=["loop", "hang", "memory"],
)
async def test_a_server_that_goes_over_a_limit_is_ended_alone_and_comes_back(
    tmp_path: Path, bomb: str, reason: str
) -> None:
    source = page(f"request.url === '/bomb' ? {bomb} : 'well'")
    # Looking for memory that could be freed takes CPU, too: how much, is the machine's.
    limits = dataclasses.replace(LIMITS, cpu_seconds=60) if reason == "memory" else LIMITS
    pages = {"robots.txt": "robots"}
    async with served(tmp_path, source, pages, server_limits=limits) as world, aiohttp.ClientSession() as http:
        before = world.pid
        bombed = asyncio.create_task(http.get(world.url + "/bomb"))
        assert await text(http, world, "/robots.txt") == "robots"
        assert (await bombed).status == 502
        await until(lambda: world.pid not in (0, before))
        assert await text(http, world) == "well"
        assert any(reason in line["text"] for line in world.log() if line["level"] == "system")


async def test_a_server_that_keeps_ending_is_said_to_be_unavailable_and_then_tried_again(tmp_path: Path) -> None:
    source = page("request.url === '/end' ? process.exit(3) : 'well'")
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        async with asyncio.timeout(120):
            while (answer := await http.get(world.url + "/end")).status != 503:
                assert answer.status == 502
        assert int(answer.headers["retry-after"]) >= 1
        await until(lambda: world.pid)
        assert await text(http, world) == "well"


async def test_a_stray_error_does_not_end_the_server(tmp_path: Path) -> None:
    source = page("(setTimeout(() => { throw new Error('stray'); }), Promise.reject(new Error('lost')), process.pid)")
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        await text(http, world)
        await until(lambda: any("stray" in line["text"] for line in world.log()))
        assert world.pid


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("throw new Error('the oven is cold');\n", "the oven is cold"),
        ("process.exit(0);\n", "ended while it was loaded"),
    ],
    ids=["throws", "ends"],
)
async def test_a_server_that_does_not_start_is_an_error_with_its_last_words(
    tmp_path: Path, source: str, words: str
) -> None:
    with pytest.raises(ProcessDied, match="does not start") as caught:
        async with served(tmp_path, source):
            pytest.fail("it must not be served")
    assert words in caught.value.detail


async def test_a_server_that_never_listens_is_given_up(tmp_path: Path) -> None:
    limits = ServerLimits(boot_seconds=1)
    with pytest.raises(ProcessDied) as caught:
        async with served(tmp_path, "setInterval(() => 0, 1000);\n", server_limits=limits):
            pytest.fail("it must not be served")
    assert "did not listen within 1 s" in caught.value.detail


async def test_the_service_key_never_leaves_the_server(tmp_path: Path) -> None:
    key = "process.env.SUPABASE_SERVICE_ROLE_KEY"
    source = HEAD + (
        "http.createServer((request, response) => {\n"
        f"  const key = {key};\n"
        "  if (request.url === '/whole') return response.end(JSON.stringify({ env: key }));\n"
        "  if (request.url === '/header') { response.setHeader('x-key', key); return response.end(); }\n"
        "  if (request.url === '/like') return response.end(key.slice(0, -1) + '!' + key.slice(0, 20));\n"
        "  response.write('begin ' + key.slice(0, 30));\n"
        "  setTimeout(() => response.end(key.slice(30) + ' end'), 50);\n"
        "}).listen(3000);\n"
    )
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        secret = world.settings.service_role_jwt.reveal()
        for path in ("/whole", "/header"):
            async with http.get(world.url + path) as answer:
                assert answer.status == 500
                assert secret not in await answer.text() + str(answer.headers)
        async with http.get(world.url + "/in-parts") as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.text()
        assert await text(http, world, "/like") == secret[:-1] + "!" + secret[:20]
        assert len([line for line in world.log() if "service key" in line["text"]]) == 3


async def test_the_api_is_reached_by_every_client_and_the_builders_hosts_lead_there(tmp_path: Path) -> None:
    source = page(
        "query.get('by') === 'http'"
        " ? new Promise((done, fail) => http.get(query.get('to'), (r) => r.setEncoding('utf8').on('data', done))"
        ".on('error', fail))"
        " : fetch(query.get('to'), { method: 'POST', body: 'x', headers: { apikey: 'k' } }).then((r) => r.text())"
    )
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        for by in ("http", "fetch"):
            said = await text(http, world, f"/?by={by}&to={world.url}/rest/v1/pots")
            assert '"path": "/rest/v1/pots"' in said, by
            assert world.url.removeprefix("http://") in said
        said = await text(http, world, "/?by=fetch&to=https://ai.gateway.lovable.dev/v1/chat/completions")
        assert '"path": "/_freehold/ai/v1/chat/completions"' in said


async def test_nothing_else_of_this_machine_is_reached(tmp_path: Path) -> None:
    ways = {
        "fetch": "fetch(`http://${query.get('host')}:${query.get('port')}/`).then((r) => r.text())",
        "net": "new Promise((done, fail) => net.connect(Number(query.get('port')), query.get('host'), () => done('in'))"
        ".on('error', fail))",
        "unix": "new Promise((done, fail) => net.connect(query.get('path'), () => done('in')).on('error', fail))",
        "udp": "new Promise((done, fail) => { const s = dgram.createSocket('udp4');"
        " s.send('x', Number(query.get('port')), query.get('host'), (e) => (s.close(), e ? fail(e) : done('in'))); })",
        "tcp_wrap": "process.binding('tcp_wrap')",
        "listen": "new Promise((done, fail) => net.createServer().listen(0, () => done('in')).on('error', fail))",
    }
    table = ", ".join(f"{way}: () => {code}" for way, code in ways.items())
    source = page(f"({{ {table} }})[query.get('way')]()")
    other = tmp_path / "other"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(other))
        unix.listen()
        port = listener.getsockname()[1]
        async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
            for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433"):
                said = await text(http, world, f"/?way=fetch&host={host}&port={port}")
                assert said == "ERR_IP_BLOCKED", (host, said)
            assert await text(http, world, f"/?way=net&host=localhost&port={port}") == "ERR_IP_BLOCKED"
            assert await text(http, world, f"/?way=unix&path={other}") == "EACCES"
            assert await text(http, world, f"/?way=udp&host=127.0.0.1&port={port}") == "ERR_IP_BLOCKED"
            assert await text(http, world, "/?way=tcp_wrap") == "ERR_ACCESS_DENIED"
            assert await text(http, world, "/?way=listen") == "EACCES"


async def test_files_and_programs_outside_the_release_are_closed(tmp_path: Path) -> None:
    source = page(
        "query.get('way') === 'read' ? fs.readFileSync(query.get('path'), 'utf8')"
        " : query.get('way') === 'write' ? (fs.writeFileSync(query.get('path'), 'x'), 'written')"
        " : query.get('way') === 'run' ? import('node:child_process').then((m) => m.execSync('id'))"
        " : query.get('way') === 'thread' ? import('node:worker_threads').then((m) => new m.Worker('1', {eval: true}))"
        " : fs.mkdtempSync(process.env.TMPDIR + '/x')"
    )
    (tmp_path / "secret.txt").write_text("hush")
    async with served(tmp_path, source) as world, aiohttp.ClientSession() as http:
        for path in (
            tmp_path / "secret.txt",
            "/etc/passwd",
            "/proc/self/environ",
            world.settings.function_state_directory,
        ):
            assert await text(http, world, f"/?way=read&path={path}") == "ERR_ACCESS_DENIED", path
        own = world.settings.server
        assert own is not None
        assert await text(http, world, f"/?way=write&path={own.directory}/index.mjs") == "ERR_ACCESS_DENIED"
        assert await text(http, world, "/?way=run") == "ERR_ACCESS_DENIED"
        assert await text(http, world, "/?way=thread") == "ERR_ACCESS_DENIED"
        assert await text(http, world, "/?way=temporary") != "ERR_ACCESS_DENIED"


WEBSOCKET = """import http from "node:http"; import { createHash } from "node:crypto";
const server = http.createServer((_, response) => response.end("page"));
server.on("upgrade", (request, socket) => {
  if (request.url !== "/live") return socket.end("HTTP/1.1 404 Not Found\\r\\ncontent-length: 0\\r\\n\\r\\n");
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\n" +
    `sec-websocket-accept: ${accept}\\r\\n\\r\\n`);
  socket.on("data", (frame) => {
    if ((frame[0] & 15) !== 1) return socket.end();
    const text = frame.subarray(6).map((byte, at) => byte ^ frame[2 + (at % 4)]);
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  });
});
server.listen(3000);
"""


async def test_a_websocket_of_the_server_is_joined_and_another_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, WEBSOCKET) as world, aiohttp.ClientSession() as http:
        async with http.ws_connect(world.url + "/live") as live:
            await live.send_str("hello")
            assert (await live.receive()).data == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(world.url + "/other")
        assert await text(http, world) == "page"


async def test_the_opaque_service_key_is_kept_back_too(tmp_path: Path) -> None:
    async with served(tmp_path, page(f"'{SECRET}'")) as world, aiohttp.ClientSession() as http:
        assert (await http.get(world.url)).status == 500
