"""Noticing that a client went away, so that PostgreSQL stops working for nobody."""

import asyncio
from types import TracebackType
from typing import Self

from freehold.runtime.services import Receive

WATCH_AFTER_SECONDS = 0.5
"""Most requests are over by then, and never pay for a second task."""


class ClientGone(Exception):
    """Nobody waits for the answer any more; the statement was cancelled."""


class Vigil:
    """Looks from time to time which requests take so long that their clients may leave; one timer is for all."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self.under_way: dict[Watch, float] = {}
        """When each began, oldest first; without those whose clients are watched already."""
        self._timer: asyncio.TimerHandle | None = None

    def look_later(self, loop: asyncio.AbstractEventLoop, seconds: float = WATCH_AFTER_SECONDS) -> None:
        """Look in a while, unless that is planned already."""
        if self._timer is None:
            self._timer = loop.call_later(seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the clients of those that have taken long."""
        self._timer = None
        latest = loop.time() - WATCH_AFTER_SECONDS
        for watch in [watch for watch, began in self.under_way.items() if began <= latest]:
            del self.under_way[watch]
            watch.start()
        if self.under_way:
            self.look_later(loop, next(iter(self.under_way.values())) - latest)


class Watch:
    """While entered: cancels the current task when the client disconnects, and raises ClientGone instead."""

    __slots__ = ("_gone", "_loop", "_receive", "_vigil", "_watched", "_watcher")

    def __init__(self, vigil: Vigil, receive: Receive) -> None:
        """Use the request's own channel."""
        self._vigil = vigil
        self._receive = receive
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Do nothing yet but remember the task."""
        self._loop = asyncio.get_running_loop()
        self._watched = asyncio.current_task(self._loop)
        self._vigil.under_way[self] = self._loop.time()
        if len(self._vigil.under_way) == 1:
            self._vigil.look_later(self._loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        if self._watcher is None:
            self._vigil.under_way.pop(self, None)
        else:
            self._watcher.cancel()
        if kind is asyncio.CancelledError and self._gone and self._watched is not None:
            self._watched.uncancel()
            raise ClientGone

    def start(self) -> None:
        """Wait for the client's leaving from now on."""
        self._watcher = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._watched is not None:
            self._watched.cancel()
