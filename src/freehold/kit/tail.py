"""The end of a file that others append to, and what they append from then on."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_EVERY_SECONDS = 0.2
LARGEST_BYTES = 4 * 1024 * 1024


def tail(path: Path, *, lines: int, follow: bool) -> Iterator[str]:
    """Give the last lines of a file, oldest first; with `follow` go on as lines come, for ever."""
    position, newest = _end_of(path, lines)
    yield from newest
    while follow:
        time.sleep(LOOK_EVERY_SECONDS)
        position, more = _after(path, position)
        yield from more


def size(path: Path) -> int:
    """How long a file is by now, 0 while it is not there: a position for `since`."""
    return path.stat().st_size if path.exists() else 0


def since(path: Path, position: int) -> list[str]:
    """Give the whole lines after a position, as many of the last as fit LARGEST_BYTES."""
    return _after(path, max(position, size(path) - LARGEST_BYTES))[1]


def _end_of(path: Path, lines: int) -> tuple[int, list[str]]:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return 0, []
    position, found = _after(path, max(0, size - LARGEST_BYTES))
    return position, found[-lines:] if lines else []


def _after(path: Path, position: int) -> tuple[int, list[str]]:
    """Give the whole lines after a position, and where they end; a file that was cut is read from its start."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(position if position <= size else 0)
            content = file.read(LARGEST_BYTES)
            start = file.tell() - len(content)
    except FileNotFoundError:
        return 0, []
    whole = content[: content.rfind(b"\n") + 1]
    return start + len(whole), whole.decode("utf-8", "replace").splitlines()
