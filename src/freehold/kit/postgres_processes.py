"""Which processes run on a PostgreSQL data folder, and what a crash left behind there.

A process id in postmaster.pid proves nothing after a reboot: another program may have it. Every process of a server
works in its data folder, so that is what counts.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable

ORPHANS_END_WITHIN_SECONDS = 10.0
_PORT_LINE = 3
_PAUSE_SECONDS = 0.05


def postmaster(data: Path) -> int | None:
    """Give the main process of the server that runs on `data`, None if none does."""
    pid = _recorded(data)
    return pid if pid is not None and _works_in(pid, data) and not _is_zombie(pid) else None


def port_of(data: Path) -> int:
    """The port that the running server's own file names; 0 while it names none yet."""
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[_PORT_LINE])
    except (OSError, IndexError, ValueError):
        return 0


def clear_remains(data: Path) -> None:
    """Make a start possible after a crash: end backends whose main process is gone, remove its stale pid file.

    The caller has made sure that no main process runs and that nobody else is starting one.
    """
    for number in (0, signal.SIGQUIT, signal.SIGKILL):
        for pid in _all(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _all_end(data):
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
    raise DatabaseUnavailable(
        f"processes of a crashed PostgreSQL hold on to {data}",
        detail=" ".join(map(str, _all(data))),
        hint="restart the machine",
    )


def _all_end(data: Path) -> bool:
    deadline = time.monotonic() + ORPHANS_END_WITHIN_SECONDS
    while _all(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _all(data: Path) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and _works_in(pid, data) and _is_postgres(pid)]


def _recorded(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _works_in(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
