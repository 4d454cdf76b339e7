"""Which functions run: started on their first call, restarted after an end, stopped when memory is short."""

import asyncio
from collections.abc import Callable

from freehold.runtime.functions import environment
from freehold.runtime.functions.environment import Place
from freehold.runtime.settings import FunctionSettings, Settings
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.folders import RunFolders
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.program import MEGABYTE
from freehold.runtime.workers.slot import Slot
from freehold.runtime.workers.worker import Worker

FINISH_SECONDS = 10.0


class Functions:
    """All functions of the app. One instance a server process; each has its own Deno processes."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs until `start`."""
        self._settings = settings
        secrets = surroundings.secret_values(settings)
        logs = settings.function_state_directory / "logs"
        self._functions = {item.name: item for item in settings.functions}
        self._slots = {
            item.name: Slot(WorkerLog(logs / f"{item.name}.log", secrets), "The function", item.problem)
            for item in settings.functions
        }
        self._denied: tuple[str, ...] = ()
        self._folders = RunFolders()

    async def start(self) -> None:
        """Make the folder of sockets; functions start when they are called."""
        if self._slots:
            self._folders.open()
            self._denied = surroundings.denied_addresses(self._settings)

    async def stop(self) -> None:
        """Let background work finish for FINISH_SECONDS, then end all processes."""
        starting = [slot.starting for slot in self._slots.values() if slot.starting is not None]
        await asyncio.gather(*starting, return_exceptions=True)
        workers = [slot.worker for slot in self._slots.values() if slot.worker is not None]
        await asyncio.gather(*(worker.finish(FINISH_SECONDS) for worker in workers))
        await self._folders.close()

    def find(self, name: str) -> FunctionSettings | None:
        """Give a function's settings, None if the app has no such function."""
        return self._functions.get(name)

    async def worker(self, name: str) -> Worker:
        """Give the running process of a function; concurrent first calls wait for one start. Raises NotStartable."""
        slot = self._slots[name]
        return await slot.running(lambda when_ended: self._start(name, slot.log, when_ended))

    async def _start(self, name: str, log: WorkerLog, when_ended: Callable[[Worker], None]) -> Worker:
        await self._make_room()
        function = self._functions[name]
        cache = (self._settings.function_state_directory / "cache" / name).resolve()
        place = Place(run=self._folders.new(), cache=cache)
        environment.prepare(function, place)
        program = environment.program(self._settings, function, place, self._denied)
        worker = Worker(program, surroundings.relay(self._settings, program), log)
        await worker.start(when_ended)
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
