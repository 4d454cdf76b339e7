"""One process of the app's own code: start, watch, end."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

import aiohttp

from freehold.kit import confined, json_text
from freehold.runtime.workers.event_loop import EventLoop
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.program import MEGABYTE, Bounds, Program

LOOK_SECONDS = 0.25
READY_POLL_SECONDS = 0.01
OUTPUT_SECONDS = 2.0
LONGEST_TOLD_BYTES = 4096
OUT_OF_MEMORY = {-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL, 128 + signal.SIGABRT, 128 + signal.SIGTRAP}
_REASONS: Mapping[str, str] = {
    "cpu": "it used CPU without coming back to its event loop",
    "memory": "it used too much memory",
    "threads": "it started too many threads",
    "hung": "its event loop stood still",
}
CONTROL = {"x-freehold-control": "1"}


class BootFailed(Exception):
    """The process ended, or did not listen in time, before its first request."""


class Way(Protocol):
    """A program's way to something outside of it: there from before its start until it is gone."""

    async def start(self) -> None:
        """Listen for the program."""

    async def stop(self) -> None:
        """End what is connected."""


class Worker:
    """A running process. `over` says which limit ended it: "", "cpu", "memory", "threads", "hung", "idle" or "boot"."""

    def __init__(self, program: Program, way: Way, log: WorkerLog) -> None:
        """Nothing runs until `start`."""
        self._program = program
        self._bounds = program.bounds
        self._way = way
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._in_flight = 0
        self._background = 0
        self.over = ""
        self.memory_bytes = 0
        self.started = time.monotonic()
        self.last_used = self.started
        self.ended = asyncio.Event()

    @property
    def pid(self) -> int:
        """Process id, 0 before the start."""
        return self._process.pid if self._process is not None else 0

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer, and nothing given to waitUntil may still go on."""
        quiet = time.monotonic() - self.last_used
        return self._in_flight == 0 and (not self._background or quiet > self._bounds.background_seconds)

    async def start(self, when_ended: Callable[["Worker"], None]) -> None:
        """Start the process and wait until it listens; raises BootFailed."""
        program = self._program
        await self._way.start()
        process = await confined.start(program.argv, environment=program.environment, folder=program.folder)
        self._process = process
        output = [self._follow(process.stdout, "info"), self._follow(process.stderr, "error")]
        self._tasks = [asyncio.create_task(self._wait(process, output, when_ended)), asyncio.create_task(self._watch())]
        try:
            async with asyncio.timeout(self._bounds.boot_seconds):
                await self._until_it_listens()
        except TimeoutError as error:
            await self.stop("boot")
            raise BootFailed(f"it did not listen within {self._bounds.boot_seconds:g} s") from error
        if self.ended.is_set():  # nobody would hear of its end any more
            raise BootFailed("it ended while it was loaded")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(program.socket), limit=0),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self.started = self.last_used = time.monotonic()

    async def settled(self) -> bool:
        """Ask the process whether it has work left, and say whether it may be stopped."""
        if self._in_flight == 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ping()
        return self.idle

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Lend the connections to the process, and count the request. Raises BootFailed when it has ended."""
        if self._session is None or self.ended.is_set():
            raise BootFailed("it does not run")
        self._in_flight += 1
        try:
            yield self._session
        finally:
            self._in_flight -= 1
            self.last_used = time.monotonic()

    async def stop(self, why: str) -> None:
        """Kill the process and all it started, and wait until it is gone with its connections and files."""
        if not self.ended.is_set():
            self.over = self.over or why
            self._kill()
        await asyncio.wait(self._tasks[:1])

    async def finish(self, seconds: float) -> None:
        """Wait for requests and for work that was given to waitUntil, at most so long, then stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.ended.is_set():
                    await self._ping()
                    if not self._background and not self._in_flight:
                        break
                    await asyncio.sleep(LOOK_SECONDS)
        await self.stop("idle")

    async def _follow(self, stream: asyncio.StreamReader | None, level: str) -> None:
        if stream is not None:
            await self._log.follow(stream, level)

    async def _until_it_listens(self) -> None:
        while True:
            if self.ended.is_set():
                raise BootFailed("it ended while it was loaded")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_unix_connection(self._program.socket)
                writer.close()
                return
            await asyncio.sleep(READY_POLL_SECONDS)

    async def _wait(
        self,
        process: asyncio.subprocess.Process,
        output: Iterable[Coroutine[Any, Any, None]],
        when_ended: Callable[["Worker"], None],
    ) -> None:
        """Write the log until the process is gone, then clean up."""
        following = asyncio.gather(*output)
        code = await process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OUTPUT_SECONDS):
                await following
        if not self.over and code in OUT_OF_MEMORY:
            self.over = "memory"
        if self.over not in ("idle", "boot"):
            self._log.lines([f"The process ended with code {code}{_because(self.over)}."], "system")
        self.ended.set()
        when_ended(self)
        await self._way.stop()
        if self._session is not None:
            await self._session.close()
        await asyncio.to_thread(shutil.rmtree, self._program.run, ignore_errors=True)

    async def _watch(self) -> None:
        """End a process that is over its memory, or does not come back to its event loop."""
        process, loop = self._process, EventLoop(self._bounds)
        while process is not None and not self.ended.is_set():
            used = await asyncio.to_thread(confined.usage, process.pid)
            if used is not None:
                self.memory_bytes = used.memory_bytes
                if self._session is None:
                    loop.boots(used.cpu_seconds)
                over = _over(used, self._bounds) or loop.judged(used.cpu_seconds)
                if over:
                    return self._end(over)
                if self._session is not None and loop.is_to_be_asked(used.cpu_seconds):
                    loop.asked(asyncio.create_task(self._ping()), used.cpu_seconds)
            if self._unused():
                return self._end("idle")
            await asyncio.sleep(LOOK_SECONDS)
        loop.forget()
        return None

    def _unused(self) -> bool:
        patience = self._bounds.idle_seconds
        return patience is not None and self.idle and time.monotonic() - self.last_used > patience

    async def _ping(self) -> None:
        """Ask how much background work there is; the answer shows that the program's event loop turns."""
        if self._session is None or self.ended.is_set():
            return
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self._session.get("http://worker/", headers=CONTROL, allow_redirects=False) as response:
                told = b""
                async for block in response.content.iter_any():
                    told += block
                    # The program may be hostile, and its answer without end.
                    if len(told) > LONGEST_TOLD_BYTES:
                        return
                self._background = _background(told)

    def _end(self, why: str) -> None:
        self.over = self.over or why
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _background(told: bytes) -> int:
    """Read how much background work there is; what cannot be read is none."""
    try:
        return int(json_text.read(told)["background"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0


def _over(used: confined.Usage, bounds: Bounds) -> str:
    if used.memory_bytes > bounds.memory_megabytes * MEGABYTE:
        return "memory"
    return "threads" if bounds.threads is not None and used.threads > bounds.threads else ""


def _because(over: str) -> str:
    reason = _REASONS.get(over)
    return f": {reason}" if reason else ""
