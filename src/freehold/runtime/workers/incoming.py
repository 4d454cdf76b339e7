"""A request's body as it arrives, and word when the client goes away."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Self

from freehold.runtime.services import Receive, Scope

BLOCKS_WAITING = 4
"""What may wait for a slow program; then the client has to wait."""


class Incoming:
    """Reads from the server while the block runs; `gone` is set when the client hangs up."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Reading starts with `async with`."""
        headers = dict(scope["headers"])
        self.has_body = b"transfer-encoding" in headers or b"content-length" in headers
        length = headers.get(b"content-length", b"")
        self.length = int(length) if length.isdigit() and b"transfer-encoding" not in headers else None
        """How long the body says it is; None where it does not."""
        self.gone = asyncio.Event()
        self._receive = receive
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue(BLOCKS_WAITING)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to read."""
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop to read."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def body(self) -> AsyncIterator[bytes]:
        """Give the body block by block."""
        while (block := await self._blocks.get()) is not None:
            yield block

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return
            if message.get("body") and self.has_body:
                await self._blocks.put(message["body"])
            if not message.get("more_body") and self.has_body:
                await self._blocks.put(None)


async def until_gone(incoming: Incoming, work: Coroutine[None, None, None]) -> None:
    """Do the work unless the client goes away first."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(incoming.gone.wait())
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for item in (task, gone):
            item.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
