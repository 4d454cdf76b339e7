"""The way of the app's own Python server to other machines: what it may reach, and what leads to the API instead."""

import asyncio
import json
import random
import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from functions_world import settings_for
from python_world import answering, served_python

from freehold.runtime.site.python.outside import Closed, OutsideDoor
from freehold.runtime.workers import surroundings

FETCH = """
import http.client, smtplib, urllib.error, urllib.request
from urllib.parse import unquote
def answer(environ, query):
    to = unquote(query["to"])
    if query["by"] == "http.client":
        host, _, port = to.rpartition(":")
        asked = http.client.HTTPConnection(host, int(port), timeout=30)
        asked.request("GET", "/rest/v1/pots")
        return asked.getresponse().read().decode()
    if query["by"] == "smtplib":
        return str(smtplib.SMTP(to, 587, timeout=30))
    if query["by"] == "connect":
        host, _, port = to.rpartition(":")
        return str(socket.socket().connect((host, int(port))))
    if query["by"] == "socket":
        host, _, port = to.rpartition(":")
        return str(socket.create_connection((host, int(port)), 10))
    request = urllib.request.Request(to, data=b"x" if "post" in query else None, headers={"apikey": "k"})
    try:
        with urllib.request.urlopen(request, timeout=30) as found:
            return found.read().decode()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"
"""
CLOSED = (
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254",
    "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "[fc00::1]", "100.100.100.200", "168.63.129.16",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[ff02::1]",
)  # fmt: skip


def proxy(folder: Path, url: str) -> AbstractAsyncContextManager[tuple[str, int]]:
    """The door alone."""
    return answering(OutsideDoor(settings_for(folder, (), url)))


async def said(address: tuple[str, int], sent: bytes) -> bytes:
    """Everything that is answered."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_every_client_of_python_reaches_the_api_and_the_builders_hosts_lead_there(tmp_path: Path) -> None:
    async with served_python(tmp_path, FETCH) as world, aiohttp.ClientSession() as http:

        async def fetched(to: str, **more: str) -> str:
            async with http.get(world.url, params={"by": "urllib", "to": to} | more) as answer:
                return await answer.text()

        for more in ({}, {"post": "1"}):
            found = json.loads(await fetched(f"{world.url}/rest/v1/pots?select=id", **more))
            assert found["path"] == "/rest/v1/pots"
            assert found["headers"]["host"] == world.url.removeprefix("http://")
            assert found["headers"]["apikey"] == "k"
            assert not any(name.startswith("proxy") for name in found["headers"])
        found = json.loads(await fetched("http://ai.gateway.lovable.dev/v1/chat/completions", post="1"))
        assert found["path"] == "/_freehold/ai/v1/chat/completions"
        assert "403" in await fetched("https://ai.gateway.lovable.dev/v1/chat/completions")
        assert "403" in await fetched("http://169.254.169.254/latest/meta-data/")
        own = world.url.removeprefix("http://")
        assert '"path": "/rest/v1/pots"' in await fetched(own, by="http.client")
        assert "may not reach" in await fetched("169.254.169.254", by="smtplib")
        assert "may not reach" in await fetched("169.254.169.254:80", by="socket")
        assert "refused" in await fetched("127.0.0.1:1", by="socket")
        assert "unreachable" in await fetched("169.254.169.254:80", by="connect")


@pytest.mark.parametrize("host", CLOSED)
async def test_nothing_of_this_machine_or_its_network_is_reached(host: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.setblocking(False)
        async with proxy(tmp_path, "https://app.example") as door:
            for sent in (f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n", f"GET http://{host}:{port}/ HTTP/1.1\r\n\r\n"):
                answer = await said(door, sent.encode())
                assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 502")), answer
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_addresses_are_judged_in_every_form() -> None:
    closed = Closed((*surroundings.confined.NEVER_REACHABLE, "10.0.0.0/8", "[2001:db8::5]"))
    opened = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8", "11.0.0.1")
    assert [address for address in opened if closed.holds(address)] == []
    shut = ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1", "2001:db8::5", "fe80::1%eth0")
    assert [address for address in (*shut, "::1", "0.0.0.0", "no address") if not closed.holds(address)] == []


@pytest.mark.parametrize(
    "sent",
    [
        b"CONNECT HTTP/1.1\r\n\r\n",
        b"CONNECT a HTTP/1.1\r\n\r\n",
        b"CONNECT [::1 HTTP/1.1\r\n\r\n",
        b"CONNECT a:99999999 HTTP/1.1\r\n\r\n",
        b"CONNECT \xff\xfe:80 HTTP/1.1\r\n\r\n",
        b"GET /relative HTTP/1.1\r\n\r\n",
        b"GET ftp://a/ HTTP/1.1\r\n\r\n",
        b"GET https://a/ HTTP/1.1\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"GET http://a:b/ HTTP/1.1\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
    ],
)
async def test_what_is_no_request_of_a_proxy_is_refused(sent: bytes, tmp_path: Path) -> None:
    async with proxy(tmp_path, "https://app.example") as door:
        assert (await said(door, sent)).startswith((b"HTTP/1.1 400", b"HTTP/1.1 502"))
        assert await said(door, b"GET http://app.example/" + b"x" * 100_000) == b""


async def test_a_tunnel_to_the_apps_own_address_is_open_and_passes_bytes(tmp_path: Path) -> None:
    """What anybody may reach from outside, the app's own server may, too, wherever the name leads."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"<" + await reader.read() + b">")
        writer.close()

    own = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with own:
        port = own.sockets[0].getsockname()[1]
        async with proxy(tmp_path, f"https://localhost:{port}") as door:
            answer = await said(door, f"CONNECT localhost:{port} HTTP/1.1\r\n\r\nhello".encode())
            assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n<hello>"
            assert b"403" in await said(door, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())


async def test_no_head_is_an_error_of_ours(tmp_path: Path) -> None:
    """Heads that are nearly right, in any mixture: each is answered, and none is an exception that nobody expects."""
    chance = random.Random(20261128)
    hosts = (b"127.0.0.1", b"[::1]", b"[::1", b"a@127.0.0.1", b"10.0.0.1:1", b"[fe80::1%25lo]", b"", b":80", b"0", b"[")
    lines = (b"CONNECT %s HTTP/1.1", b"GET http://%s/x HTTP/1.1", b"POST http://%s", b"%s", b"GET http:%s x", b"%s  ")
    door = OutsideDoor(settings_for(tmp_path, (), "https://app.example"))
    for _ in range(400):
        host = chance.choice(hosts) + chance.choice((b"", b":1", b":99999", b":-1", b":x", b"\xff"))
        head = chance.choice(lines) % host + b"\r\n" + chance.choice((b"", b"Host: a\r\n", b": \r\n")) + b"\r\n"
        reader, writer = asyncio.StreamReader(), _Kept()
        reader.feed_data(head)
        await door(reader, writer)  # type: ignore[arg-type]
        assert writer.content.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 502")), head


class _Kept:
    """As much of a writer as a refusal needs."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> None:
        self.content += content

    async def drain(self) -> None:
        """Nothing is on its way."""
