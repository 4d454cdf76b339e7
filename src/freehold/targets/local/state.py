"""What `freehold up` tells the other commands: its process, its address and its database."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from freehold.kit import private

ENDED = ("Z", "X")
"""States of a process that has ended and whose parent has not looked yet."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A served app. `pid` is the process of `freehold up`; secrets never stand here."""

    pid: int
    started: str
    """The process's start time in kernel ticks: tells a reused pid from the real one."""
    url: str
    app: str
    origin: str
    release: int
    database: str
    """Host, port and name of the database; no password."""
    embedded: bool
    runtime_pid: int = 0


def write(path: Path, running: Running) -> None:
    """Publish the state by rename."""
    private.replace(path, json.dumps(asdict(running), indent=1).encode())


def read(path: Path) -> Running | None:
    """Give the state when its process still lives, else None."""
    try:
        running = Running(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if start_time(running.pid) == running.started else None


def start_time(pid: int) -> str:
    """Start time of a process in ticks since boot (field 22 of /proc/PID/stat), "" when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ENDED else fields[19]


def me() -> tuple[int, str]:
    """This process's id and start time."""
    return os.getpid(), start_time(os.getpid())
