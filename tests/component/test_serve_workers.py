"""One release as several processes on one unix socket, and which release does the jobs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from realtime_world import lay_out, settings_for

from freehold.core.secret import Secret
from freehold.runtime import settings
from freehold.testing.database import FreshDatabase

SERVE = (sys.executable, "-m", "freehold", "serve", "--config", "-")
HEALTH = "http://app/_freehold/health"


@asynccontextmanager
async def release(
    database: FreshDatabase, folder: Path, name: str, count: int = 2
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Start a release as a server's unit does, and wait for the word that systemd waits for."""
    notify = folder / f"{name}.notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(notify))
        told.settimeout(60)
        wanted = replace(
            settings_for(database, "http://127.0.0.1:1"),
            live_link=folder / "current.sock",
            live_name=f"{name}.sock",
            bus_directory=folder,
        )
        process = subprocess.Popen(  # noqa: ASYNC220 - its start is not waited for
            [*SERVE, "--listen", f"unix:{folder / name}.sock", "--workers", str(count)],
            stdin=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(notify)},
        )
        try:
            assert process.stdin is not None
            process.stdin.write(settings.dump(wanted).encode())
            process.stdin.close()
            assert await asyncio.to_thread(told.recv, 64) == b"READY=1"
            yield process
        finally:
            process.terminate()
            assert await asyncio.to_thread(process.wait, 60) == 0


def children(process: subprocess.Popen[bytes]) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def leader(admin: psycopg.Connection[Any], *releases: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """Which release has the leader's lock: its session's client is one of the release's workers."""
    rows = admin.execute("select address from freehold_worker.leader").fetchall()
    lines = Path("/proc/net/unix").read_text().splitlines()
    inodes = {f"socket:[{line.split()[6]}]" for (path,) in rows for line in lines if line.endswith(path)}
    for one in releases:
        for pid in children(one):
            if inodes & opened(pid):
                return one
    return None


def opened(pid: int) -> set[str]:
    """What a process has open; it opens and closes meanwhile."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


async def until(true: Callable[[], Any]) -> Any:
    async with asyncio.timeout(60):
        while not (found := true()):  # noqa: ASYNC110 - the processes tell nobody
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
def short_path() -> Any:
    with tempfile.TemporaryDirectory(prefix="fh") as folder:
        yield Path(folder)


async def test_a_killed_worker_is_replaced_and_the_others_answer_meanwhile(
    database: FreshDatabase, short_path: Path
) -> None:
    lay_out(database)
    async with release(database, short_path, "1") as process:
        before = children(process)
        assert len(before) == 2
        connector = aiohttp.UnixConnector(str(short_path / "1.sock"), force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            os.kill(next(iter(before)), signal.SIGKILL)
            for _ in range(20):
                async with http.get(HEALTH) as answer:
                    assert answer.status == 200
            await until(lambda: len(children(process)) == 2 and children(process) != before)


async def test_jobs_go_with_the_link_that_marks_the_live_release(database: FreshDatabase, short_path: Path) -> None:
    lay_out(database)
    link = short_path / "current.sock"
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        async with release(database, short_path, "1") as one, release(database, short_path, "2") as two:
            assert leader(admin, one, two) is None, "no release is live yet, and none may do jobs"
            link.symlink_to("1.sock")
            await until(lambda: leader(admin, one, two) is one)
            beside = short_path / ".next"
            beside.symlink_to("2.sock")
            beside.rename(link)
            await until(lambda: leader(admin, one, two) is two)


async def test_a_release_that_cannot_start_ends_with_its_reason(database: FreshDatabase, short_path: Path) -> None:
    broken = replace(settings_for(database, "http://127.0.0.1:1"), signing_key=Secret("no key"))
    path = short_path / "1.sock"
    ended = await asyncio.to_thread(
        subprocess.run,
        [*SERVE, "--listen", f"unix:{path}", "--workers", "2"],
        input=settings.dump(broken).encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert b"a worker ended while it started" in ended.stderr
