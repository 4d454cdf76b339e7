"""The app's own Python server against the runtime, and clients against it: others do not feel what one of them does."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from python_world import served_python
from server_world import World, text, until

from freehold.runtime.site.proxy import MOST_UPLOADS

LARGE = """
def answer(environ, query):
    if "large" in query:
        return [b"x" * (1 << 20)] * 20
    return str(len(environ["wsgi.input"].read()))
"""


async def _begun(world: World, text: bytes) -> asyncio.StreamWriter:
    """A request of a client that goes on when it likes."""
    _, writer = await asyncio.open_connection(*world.url.removeprefix("http://").split(":"))
    writer.write(text)
    await writer.drain()
    return writer


async def test_clients_that_send_or_read_slowly_take_no_place_from_others(tmp_path: Path) -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nx"
    async with served_python(tmp_path, LARGE) as world, aiohttp.ClientSession() as http:
        server = world.site._server
        assert server is not None
        slow = [await _begun(world, b"GET /?large= HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(9)]
        slow += [await _begun(world, post % 10) for _ in range(20)]
        slow += [await _begun(world, post % (1 << 20)) for _ in range(MOST_UPLOADS)]
        await until(server._uploads.locked)
        assert await text(http, world) == "0"
        worker = await server._server.worker()
        assert worker._in_flight <= 9 + MOST_UPLOADS, "what has not been sent is not known to the server"
        waiting = asyncio.create_task(http.post(world.url, data=b"x" * (1 << 20)))
        assert await (await http.post(world.url, data=b"x" * 1000)).text() == "1000"
        for writer in slow:
            writer.close()
        assert await (await waiting).text() == str(1 << 20)


@pytest.mark.parametrize(
    "told",
    ["b'{\"background\": Infinity}'", "b'[' * 2000", "b'[]'", "b'\\xff'", "itertools.repeat(b'1' * 65536, 1024)"],
    ids=["infinite", "nested", "nothing", "no text", "endless"],
)
async def test_whatever_a_server_answers_to_the_question_whether_it_is_well_harms_nobody(
    tmp_path: Path, told: str
) -> None:
    source = f"""
import itertools
serving = socket.socket(fileno=3)
serving.listen()
while True:
    asked, sent = serving.accept()[0], 0
    with asked:
        if not asked.recv(65536):
            continue
        told = {told}
        try:
            asked.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\n\\r\\n")
            for block in [told] if isinstance(told, bytes) else told:
                asked.sendall(block)
                sent += len(block)
        except OSError:
            pass
        print("sent", sent)
"""
    async with served_python(tmp_path, source) as world:
        await until(lambda: [line for line in world.log() if line["text"].startswith("sent")])
        sent = next(int(line["text"].split()[1]) for line in world.log() if line["text"].startswith("sent"))
    assert sent < 16 << 20, "the runtime took all that came"


async def test_a_message_without_end_is_not_waited_for(tmp_path: Path) -> None:
    source = """
import base64, hashlib, re
serving = socket.socket(fileno=3)
serving.listen()
while True:
    with serving.accept()[0] as asked:
        key = re.search(rb"(?i)sec-websocket-key: *([^\\r]+)", asked.recv(65536))
        if key is None:
            continue
        accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        head = b"HTTP/1.1 101 x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: "
        sent = 0
        try:
            asked.sendall(head + accept + b"\\r\\n\\r\\n" + b"\\x82\\x7f" + (1 << 40).to_bytes(8, "big"))
            while sent < 1 << 28:
                sent += asked.send(b"x" * 65536)
        except OSError:
            pass
        print("sent", sent)
"""
    async with served_python(tmp_path, source) as world, aiohttp.ClientSession() as http:
        async with http.ws_connect(world.url) as client:
            assert (await client.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        await until(lambda: [line for line in world.log() if line["text"].startswith("sent")])
        sent = next(int(line["text"].split()[1]) for line in world.log() if line["text"].startswith("sent"))
    assert sent < 1 << 28, "the runtime took all that came"
