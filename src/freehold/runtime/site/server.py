"""The app's own server: one process, there before the first request, and started again when it ends."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from freehold.core.errors import ProcessDied
from freehold.runtime.settings import ServerSettings, Settings
from freehold.runtime.site import environment
from freehold.runtime.site.python import before
from freehold.runtime.site.python import program as python
from freehold.runtime.site.python.doors import Doors
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.folders import RunFolders
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.slot import NotStartable, Slot
from freehold.runtime.workers.worker import Worker

FINISH_SECONDS = 10.0
LAST_LINES = 12


class AppServer:
    """Keeps the process running; gives it to those who have a request for it."""

    def __init__(self, settings: Settings, server: ServerSettings) -> None:
        """Nothing runs until `start`."""
        self._settings = settings
        self._server = server
        self._path = settings.function_state_directory / "logs" / "_server.log"
        self._slot = Slot(
            WorkerLog(self._path, surroundings.secret_values(settings, python.hidden(settings))), "The app's server"
        )
        self._folders = RunFolders()
        self._ended = asyncio.Event()
        self._doors: Doors | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until it listens. Raises ProcessDied: a release that cannot start gets nothing."""
        self._folders.open()
        try:
            if self._server.runtime == "python":
                await before.run(self._settings, self._server, self._folders.new, self._slot.log)
            await self.worker()
        except (NotStartable, ProcessDied) as error:
            if self._doors is not None:
                await self._doors.stop()
            await self._folders.close()
            raise self._not_started(error) from error
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Let requests finish for FINISH_SECONDS, then end the process."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._slot.starting is not None:
            await asyncio.gather(self._slot.starting, return_exceptions=True)
        if self._slot.worker is not None:
            await self._slot.worker.finish(FINISH_SECONDS)
        await self._folders.close()

    async def worker(self) -> Worker:
        """Give the running process; one that has just ended is started anew. Raises NotStartable."""
        return await self._slot.running(self._start)

    def complain(self, text: str, request_id: str) -> None:
        """Write a line of ours into the server's log."""
        self._slot.log.lines([f"{text} Request {request_id}."], "system")

    def _not_started(self, error: Exception) -> ProcessDied:
        """Say why with the last words of what ran; a machine that cannot confine it is its own reason."""
        if self._doors is not None and self._doors.refusal is not None:
            return self._doors.refusal
        given = error if isinstance(error, ProcessDied) else ProcessDied("the app's own server does not start")
        return ProcessDied(
            given.message,
            detail=given.detail or self._last_lines(),
            hint=given.hint or f"the whole log: {self._path}",
        )

    async def _start(self, when_ended: Callable[[Worker], None]) -> Worker:
        run = self._folders.new()
        worker = self._python(run) if self._server.runtime == "python" else self._node(run)

        def ended(gone: Worker) -> None:
            when_ended(gone)
            self._ended.set()

        await worker.start(ended)
        return worker

    def _node(self, run: Path) -> Worker:
        program = environment.program(self._settings, self._server, run)
        return Worker(program, surroundings.relay(self._settings, program), self._slot.log)

    def _python(self, run: Path) -> Worker:
        program = python.program(self._settings, self._server, run)
        self._doors = python.doors(self._settings, run, self._slot.log)
        return Worker(program, self._doors, self._slot.log)

    async def _keep(self) -> None:
        """Start the process again when it ends, after a pause when it keeps ending."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            with contextlib.suppress(NotStartable):
                await self.worker()
                continue
            await asyncio.sleep(self._slot.pause_left)
            self._ended.set()

    def _last_lines(self) -> str:
        lines = self._path.read_text(errors="replace").splitlines() if self._path.exists() else []
        return "\n".join(str(json.loads(line)["text"]) for line in lines[-LAST_LINES:])
