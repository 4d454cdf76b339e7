"""What has to succeed before the app's server serves: its migrations, once at a time for a database."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg

from freehold.core.errors import ProcessDied
from freehold.core.secret import Secret
from freehold.kit import confined
from freehold.runtime.settings import ServerSettings, Settings
from freehold.runtime.site.python import program
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.program import MEGABYTE
from freehold.runtime.workers.worker import LOOK_SECONDS

LOCK = 0x46485356
"""Key of the advisory lock: two processes, or two machines, would both find a table missing."""
PATIENT = "-c statement_timeout=0 -c idle_session_timeout=0 -c lock_timeout=0"
LONGEST_SECONDS = 1800.0


async def run(settings: Settings, server: ServerSettings, new_folder: Callable[[], Path], log: WorkerLog) -> None:
    """Run the server's programs in order, confined as it is. Raises ProcessDied at the first that fails."""
    if not server.before:
        return
    async with _alone(settings.server_dsn or Secret("")):
        for argv in server.before:
            await _run(settings, server, argv, new_folder(), log)


async def _run(settings: Settings, server: ServerSettings, argv: tuple[str, ...], run: Path, log: WorkerLog) -> None:
    log.lines([f"Before the app serves: {' '.join(argv)}"], "system")
    ways = program.doors(settings, run, log)
    wanted = program.program(settings, server, run, argv)
    await ways.start()
    process = await confined.start(wanted.argv, environment=wanted.environment, folder=wanted.folder)
    watching = asyncio.create_task(_watch(process, wanted.bounds.memory_megabytes))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*_followed(process, log))
            code = await process.wait()
            ended = await watching or f"ended with code {code}"
    except TimeoutError:
        code, ended = -1, f"did not end within {LONGEST_SECONDS:.0f} s"
    finally:
        watching.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await ways.stop()
        await asyncio.to_thread(shutil.rmtree, run, ignore_errors=True)
    if ways.refusal is not None:
        raise ways.refusal
    if code:
        raise ProcessDied(f"`{' '.join(argv)}` of the app {ended}", hint="mend it in the app, then deploy again")


async def _watch(process: asyncio.subprocess.Process, memory_megabytes: int) -> str:
    """Kill the program when it uses too much memory; gives what is to be said of that, "" when it ended by itself."""
    while process.returncode is None:
        used = await asyncio.to_thread(confined.usage, process.pid)
        if used is not None and used.memory_bytes > memory_megabytes * MEGABYTE:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            return f"used more than {memory_megabytes} MB of memory"
        await asyncio.sleep(LOOK_SECONDS)
    return ""


def _followed(process: asyncio.subprocess.Process, log: WorkerLog) -> list["asyncio.Future[None]"]:
    streams = ((process.stdout, "info"), (process.stderr, "error"))
    return [asyncio.ensure_future(log.follow(stream, level)) for stream, level in streams if stream is not None]


@contextlib.asynccontextmanager
async def _alone(dsn: Secret) -> AsyncIterator[None]:
    """Hold the lock of this database; the kernel and PostgreSQL give it back when this process ends."""
    try:
        connection = await psycopg.AsyncConnection.connect(dsn.reveal(), autocommit=True, options=PATIENT)
    except psycopg.OperationalError as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProcessDied("the app's own server does not reach its database", detail=why) from None
    async with connection:
        await connection.execute("select pg_catalog.pg_advisory_lock(%s)", (LOCK,))
        yield
