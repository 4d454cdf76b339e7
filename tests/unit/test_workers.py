"""What is known of the app's processes: which limit one has passed, what it was told, whose folders are left over."""

import asyncio
import os
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freehold.runtime.site.python.doors import Doors
from freehold.runtime.workers.event_loop import EventLoop
from freehold.runtime.workers.folders import RunFolders
from freehold.runtime.workers.log import WorkerLog
from freehold.runtime.workers.program import Bounds

BOUNDS = Bounds(memory_megabytes=1, cpu_seconds=2, boot_seconds=1, background_seconds=1, hang_seconds=3)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_loading_uses_is_not_held_against_its_event_loop() -> None:
    loop = EventLoop(BOUNDS)
    loop.boots(30.0)
    assert loop.judged(31.9) == ""
    assert loop.judged(32.1) == "cpu"


async def test_a_question_without_an_answer_is_a_hang_unless_nobody_looked() -> None:
    clock = Clock()
    loop = EventLoop(BOUNDS, clock)
    ping = asyncio.create_task(asyncio.Event().wait())
    loop.asked(ping, 0.0)  # type: ignore[arg-type]
    clock.now = 100.0
    assert loop.judged(0.0) == "", "the answer may lie there unread: this process was held up"
    told = []
    for _ in range(20):
        clock.now += 0.25
        told.append(loop.judged(0.0))
    assert (told[0], told[-1]) == ("", "hung")
    loop.forget()
    assert await asyncio.gather(ping, return_exceptions=True)


def test_folders_of_servers_that_were_killed_are_removed_by_several_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    for number in range(300):
        (tmp_path / f"fh-{gone.pid}-{number}" / "1" / "tmp").mkdir(parents=True)
    (tmp_path / f"fh-{os.getpid()}-mine").mkdir()
    with ThreadPoolExecutor(4) as servers:
        for opened in [servers.submit(RunFolders().open) for _ in range(4)]:
            opened.result()
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 5, left
    assert all(name.startswith(f"fh-{os.getpid()}-") for name in left)


async def test_what_a_launcher_told_before_it_ended_is_known(tmp_path: Path) -> None:
    doors = Doors(tmp_path / "doors", (), WorkerLog(tmp_path / "log", ()))
    await doors.start()
    with socket.socket(socket.AF_UNIX) as launcher:
        launcher.connect(str(tmp_path / "doors"))
        launcher.sendall(b'{"missing": "this machine allows nothing", "hint": "allow it"}')
    await doors.stop()
    assert doors.refusal is not None
    assert (doors.refusal.detail, doors.refusal.hint) == ("this machine allows nothing", "allow it")
