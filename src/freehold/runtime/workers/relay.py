"""The one way from a program of the app to this machine: a Unix socket that leads to the API and nowhere else.

Deno sends `GET http://host/path HTTP/1.1` to a socket, as to a proxy, and the host is a stand-in: servers want the path
and the app's own host. Each connection carries one request, because the runner's client keeps none.
"""

import asyncio
import contextlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from freehold.runtime.connections import Connections

LONGEST_HEAD_BYTES = 64 * 1024
BLOCK_BYTES = 64 * 1024
_ABSOLUTE = re.compile(rb"\A([A-Z]+) [a-z]+://[^/? ]+/?([^ ]*) (HTTP/1\.[01]\r\n)")
_HOST = re.compile(rb"^host:[^\r\n]*", re.IGNORECASE | re.MULTILINE)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """Listens on a Unix socket and passes bytes to and from `address`, http://host:port or unix:/path."""

    def __init__(self, address: str, host: str, path: Path) -> None:
        """Nothing listens until `start`; `host` is what the API is called from outside."""
        self._address = address
        self._host = host.encode()
        self._path = path
        self._server: asyncio.Server | None = None
        self._connections = Connections(self._serve)

    async def start(self) -> None:
        """Listen; only this user's processes may connect, as the folder is closed to others."""
        self._server = await asyncio.start_unix_server(self._connections.accept, self._path, limit=LONGEST_HEAD_BYTES)

    async def stop(self) -> None:
        """Take no more connections, and end those that are left."""
        if self._server is not None:
            self._server.close()
        await self._connections.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            upstream = await open_api(self._address)
            upstream[1].write(for_api(head, self._host))
            await both_ways((reader, writer), upstream)


async def open_api(address: str) -> Streams:
    """Connect to http://host:port, https://host:port or unix:/path."""
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address.removeprefix("unix:"))
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    return await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None)


def for_api(head: bytes, host: bytes) -> bytes:
    """Turn a request's head as a proxy gets it into what the API wants: the path alone, and the app's own host."""
    plain = _ABSOLUTE.sub(rb"\1 /\2 \3", head)
    return _HOST.sub(lambda _: b"host: " + host, plain, count=1)


async def both_ways(inner: Streams, upstream: Streams) -> None:
    """Pass bytes on until both sides have said their end; the upstream is closed then."""
    try:
        await asyncio.gather(_pump(inner[0], upstream[1]), _pump(upstream[0], inner[1]))
    finally:
        upstream[1].close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while block := await source.read(BLOCK_BYTES):
        sink.write(block)
        await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        sink.write_eof()
