"""Which functions run: started on their first call, restarted after an end, stopped when memory is short."""

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from freehold.runtime.functions import environment
from freehold.runtime.functions.environment import Place
from freehold.runtime.functions.logs import FunctionLog
from freehold.runtime.functions.worker import MEGABYTE, BootFailed, Worker
from freehold.runtime.settings import FunctionSettings, Settings

STEADY_SECONDS = 10.0
"""A process that lived so long did not crash because of its start."""
CRASHES_ALLOWED = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
FINISH_SECONDS = 10.0
_RUN_FOLDER = re.compile(r"fh-(\d+)-\w+")


class NotStartable(Exception):
    """The function cannot answer now; the reason is in its log. `retry_seconds` is 0 when trying again is no use."""

    def __init__(self, retry_seconds: float) -> None:
        """Keep when the next start may be tried."""
        super().__init__("the function cannot be started")
        self.retry_seconds = retry_seconds


class Functions:
    """All functions of the app. One instance a server process; each has its own Deno processes."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs until `start`."""
        self._settings = settings
        secrets = environment.secret_values(settings)
        logs = settings.function_state_directory / "logs"
        self._slots = {
            item.name: _Slot(item, FunctionLog(logs / f"{item.name}.log", secrets)) for item in settings.functions
        }
        self._denied: tuple[str, ...] = ()
        self._folder = Path()
        self._count = 0

    async def start(self) -> None:
        """Make the folder of sockets, closed to other users; functions start when they are called."""
        if not self._slots:
            return
        _remove_leftovers()
        self._folder = Path(tempfile.mkdtemp(prefix=f"fh-{os.getpid()}-"))
        self._denied = environment.denied_addresses(self._settings)

    async def stop(self) -> None:
        """Let background work finish for FINISH_SECONDS, then end all processes."""
        starting = [slot.starting for slot in self._slots.values() if slot.starting is not None]
        await asyncio.gather(*starting, return_exceptions=True)
        workers = [slot.worker for slot in self._slots.values() if slot.worker is not None]
        await asyncio.gather(*(worker.finish(FINISH_SECONDS) for worker in workers))
        if self._slots:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def find(self, name: str) -> FunctionSettings | None:
        """Give a function's settings, None if the app has no such function."""
        slot = self._slots.get(name)
        return slot.function if slot else None

    async def worker(self, name: str) -> Worker:
        """Give the running process of a function; concurrent first calls wait for one start. Raises NotStartable."""
        slot = self._slots[name]
        if slot.worker is not None:
            return slot.worker
        if slot.starting is None:
            slot.refuse_while_pausing()
            slot.starting = asyncio.create_task(self._start(slot))
            slot.starting.add_done_callback(slot.started)
        return await asyncio.shield(slot.starting)

    async def _start(self, slot: "_Slot") -> Worker:
        await self._make_room()
        self._count += 1
        place = Place(
            run=self._folder / str(self._count),
            cache=(self._settings.function_state_directory / "cache" / slot.function.name).resolve(),
        )
        worker = Worker(self._settings, slot.function, place, slot.log)
        try:
            await worker.start(self._denied, slot.ended)
        except BootFailed as error:
            slot.log.lines([f"The function cannot start: {error}."], "system")
            raise NotStartable(slot.failed()) from error
        slot.worker = worker
        return worker

    async def _make_room(self) -> None:
        """Stop functions that nobody uses, the one used longest ago first, until the rest is within the cap."""
        cap = self._settings.function_limits.total_megabytes * MEGABYTE
        running = sorted((slot.worker for slot in self._slots.values() if slot.worker), key=lambda item: item.last_used)
        used = sum(worker.memory_bytes for worker in running)
        for worker in running:
            if used <= cap:
                return
            if await worker.settled():
                used -= worker.memory_bytes
                await worker.stop("idle")


class _Slot:
    """One function and what is known about its starts."""

    def __init__(self, function: FunctionSettings, log: FunctionLog) -> None:
        self.function = function
        self.log = log
        self.worker: Worker | None = None
        self.starting: asyncio.Task[Worker] | None = None
        self._failures = 0
        self._pause_until = 0.0

    def refuse_while_pausing(self) -> None:
        """Raise NotStartable for a function that was not built whole, or that failed a moment ago."""
        if self.function.problem:
            self.log.lines([self.function.problem], "system")
            raise NotStartable(0)
        left = self._pause_until - time.monotonic()
        if left > 0:
            raise NotStartable(left)

    def started(self, task: asyncio.Task[Worker]) -> None:
        """Forget the start; its error was given to those who waited."""
        self.starting = None
        with contextlib.suppress(asyncio.CancelledError):
            task.exception()

    def failed(self) -> float:
        """Count a failed start; gives the seconds until the next may be tried."""
        self._failures += 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._failures - 1))
        self._pause_until = time.monotonic() + pause
        return pause

    def ended(self, worker: Worker) -> None:
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
            self.failed()


def _remove_leftovers() -> None:
    """Remove the folders of server processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("fh-*-*"):
        match = _RUN_FOLDER.fullmatch(folder.name)
        if match and not Path(f"/proc/{match[1]}").exists() and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
