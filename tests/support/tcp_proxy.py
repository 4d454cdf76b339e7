"""A network between two programs that can be cut, and that can go silent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Network:
    """Forwards TCP connections from `port` until it is told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._is_cut = False
        self.port = 0

    def cut(self) -> None:
        """Reset every connection, and take no new one."""
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False
        self._flowing.set()

    def silence(self) -> None:
        """Keep connections open and deliver nothing, as a firewall does that forgot them."""
        self._flowing.clear()

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator["Network"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.mend()
            self.cut()
            server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        for each in (writer, far_writer):
            self._writers.discard(each)
            each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
