"""One program's place: its running process, one start at a time, and pauses after starts that fail."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.worker import BootFailed, Worker

STEADY_SECONDS = 10.0
"""A process that lived so long did not crash because of its start."""
CRASHES_ALLOWED = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

Start = Callable[[Callable[[Worker], None]], Awaitable[Worker]]
"""Starts a process, given whom to tell of its end; raises BootFailed."""


class NotStartable(Exception):
    """The program cannot answer now; the reason is in its log. `retry_seconds` is 0 when trying again is no use."""

    def __init__(self, retry_seconds: float) -> None:
        """Keep when the next start may be tried."""
        super().__init__("the program cannot be started")
        self.retry_seconds = retry_seconds


class Slot:
    """One program and what is known about its starts."""

    def __init__(self, log: WorkerLog, what: str, problem: str = "") -> None:
        """`what` is how the log names it; `problem` is why it can never start."""
        self.log = log
        self.worker: Worker | None = None
        self.starting: asyncio.Task[Worker] | None = None
        self._what = what
        self._problem = problem
        self._failures = 0
        self._pause_until = 0.0

    @property
    def pause_left(self) -> float:
        """Seconds until the next start may be tried."""
        return max(0.0, self._pause_until - time.monotonic())

    async def running(self, start: Start) -> Worker:
        """Give the running process; concurrent first calls wait for one start. Raises NotStartable."""
        if self.worker is not None:
            return self.worker
        if self.starting is None:
            self._refuse_while_pausing()
            self.starting = asyncio.create_task(self._start(start))
            self.starting.add_done_callback(self._started)
        return await asyncio.shield(self.starting)

    async def _start(self, start: Start) -> Worker:
        try:
            self.worker = await start(self._ended)
        except BootFailed as error:
            self.log.lines([f"{self._what} cannot start: {error}."], "system")
            raise NotStartable(self._failed()) from error
        return self.worker

    def _refuse_while_pausing(self) -> None:
        """Raise NotStartable for a program that was not built whole, or that failed a moment ago."""
        if self._problem:
            self.log.lines([self._problem], "system")
            raise NotStartable(0)
        if self.pause_left:
            raise NotStartable(self.pause_left)

    def _started(self, task: asyncio.Task[Worker]) -> None:
        """Forget the start; its error was given to those who waited."""
        self.starting = None
        with contextlib.suppress(asyncio.CancelledError):
            task.exception()

    def _failed(self) -> float:
        """Count a failed start; gives the seconds until the next may be tried."""
        self._failures += 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._failures - 1))
        self._pause_until = time.monotonic() + pause
        return pause

    def _ended(self, worker: Worker) -> None:
        """Forget a process that is gone. One that keeps ending soon after its start is paused, too."""
        if self.worker is not worker:
            return
        self.worker = None
        if worker.over == "idle" or time.monotonic() - worker.started > STEADY_SECONDS:
            self._failures = 0
            return
        self._failures += 1
        if self._failures > CRASHES_ALLOWED:
            self._failures -= 1
            self._failed()
