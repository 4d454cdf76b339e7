"""Stop a running app: ask its process, and wait until everything it started is gone."""

import os
import signal
import time

from freehold.core.errors import NotRunning, ProcessDied
from freehold.targets.local import state
from freehold.targets.local.place import Place
from freehold.targets.local.state import Running

TIMEOUT_SECONDS = 120.0
"""Requests under way finish, then PostgreSQL ends: each has its own limit below this one."""


def down(place: Place) -> Running:
    """Stop the `freehold up` of `place` and give what was running; raises NotRunning, or ProcessDied after 120 s."""
    running = state.read(place.state)
    if running is None:
        raise NotRunning(f"nothing runs from {place.root}", hint="freehold up PATH")
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while state.start_time(running.pid) == running.started:
        if time.monotonic() > deadline:
            raise ProcessDied(
                f"process {running.pid} did not end within {TIMEOUT_SECONDS:.0f} s",
                hint=f"kill -9 {running.pid}; PostgreSQL is shut down with it",
            )
        time.sleep(0.05)
    return running
