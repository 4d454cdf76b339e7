"""Noticing that a client went away, so that PostgreSQL stops working for nobody."""

import asyncio
from types import TracebackType
from typing import Self

from freehold.runtime.services import Receive

WATCH_AFTER_SECONDS = 0.5
"""Most requests are over by then, and never pay for a second task."""


class ClientGone(Exception):
    """Nobody waits for the answer any more; the statement was cancelled."""


class Watch:
    """While entered: cancels the current task when the client disconnects, and raises ClientGone instead."""

    def __init__(self, receive: Receive) -> None:
        """Use the request's own channel; its body must have been read."""
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Start a timer only."""
        self._loop = asyncio.get_running_loop()
        self._watched = asyncio.current_task()
        self._timer = self._loop.call_later(WATCH_AFTER_SECONDS, self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if kind is asyncio.CancelledError and self._gone and self._watched is not None:
            self._watched.uncancel()
            raise ClientGone

    def _start(self) -> None:
        self._watcher = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._watched is not None:
            self._watched.cancel()
