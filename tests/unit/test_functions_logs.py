"""The log files of functions."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from freehold.runtime.workers import log as logs
from freehold.runtime.workers.log import WorkerLog


def test_logs_keep_within_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    log = WorkerLog(tmp_path / "logs" / "f.log", ())
    for number in range(100):
        log.lines([f"line {number}"], "info")
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["f.log", "f.log.1", "f.log.2"]
    assert all(path.stat().st_size < 1200 for path in (tmp_path / "logs").iterdir())
    assert json.loads((tmp_path / "logs" / "f.log").read_text().splitlines()[-1])["text"] == "line 99"


def test_the_longest_secret_is_hidden_first(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path / "f.log", ("secret-and-more", "secret"))
    log.lines(["a secret-and-more b secret"], "info")
    assert json.loads((tmp_path / "f.log").read_text())["text"] == "a [secret] b [secret]"
    assert (tmp_path / "f.log").stat().st_mode & 0o777 == 0o600


async def test_who_prints_without_end_leaves_most_of_the_time_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 0.0

    async def note(seconds: float) -> None:
        nonlocal left
        left += seconds

    monkeypatch.setattr(asyncio, "sleep", note)
    stream = asyncio.StreamReader()
    stream.feed_data(b"a\n" * (1 << 16))
    stream.feed_eof()
    before = time.thread_time()
    await WorkerLog(tmp_path / "a.log", ()).follow(stream, "info")
    assert left > 4 * (time.thread_time() - before), "short lines cost more than their bytes"
