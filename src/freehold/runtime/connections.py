"""The connections of a server that this process answers itself."""

import asyncio
from collections.abc import Awaitable, Callable

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connections:
    """Answers each connection in a task that is held until it ends.

    `accept` is what asyncio.start_server wants. Given a coroutine instead, it holds none of the tasks that it starts,
    and Python 3.11 reports each that is cancelled as an error.
    """

    def __init__(self, answer: Answer, most: int | None = None) -> None:
        """`most` is how many may be open at once: one more is reset."""
        self._answer = answer
        self._most = most
        self._open: set[asyncio.Task[None]] = set()
        self._is_over = False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to answer; the connection is closed afterwards."""
        if self._is_over or (self._most is not None and len(self._open) >= self._most):
            writer.transport.abort()
            return
        task = asyncio.create_task(self._one(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End those that are left, and take no more."""
        self._is_over = True
        left = list(self._open)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            told = {"message": "a connection was answered with an error", "exception": fault, "task": task}
            task.get_loop().call_exception_handler(told)
