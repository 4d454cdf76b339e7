"""The runtime process of a served release: started on the place's socket, watched, replaced without a lost request."""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from freehold.core.errors import ProcessDied
from freehold.kit import process

READY_WITHIN_SECONDS = 90.0
"""The app's own server may take a minute of them on a busy machine."""
STOP_WITHIN_SECONDS = 25.0
LOG_LINES_SHOWN = 12


class Runtime:
    """Starts `freehold serve` with settings on its standard input, so that no secret stands in argv or on disk."""

    def __init__(self, listener: socket.socket, log: Path) -> None:
        """Nothing runs until `start`."""
        self._listener = listener
        self._log = log
        self._child: process.Child | None = None

    @property
    def pid(self) -> int:
        """Process id of the live runtime, 0 if none."""
        return self._child.pid if self._child is not None else 0

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._child is not None and self._child.poll() is None

    def start(self, settings: Mapping[str, object]) -> None:
        """Start a runtime and wait until it is ready; raises ProcessDied with its last words.

        One that is live keeps serving until the new one is ready, then finishes its requests and ends.
        """
        ready, announce = os.pipe()
        try:
            before, self._child = self._child, self._spawn(settings, announce)
            os.close(announce)
            try:
                self._wait_until_ready(ready)
            except BaseException:
                self._child.stop(STOP_WITHIN_SECONDS)
                self._child = before
                raise
        finally:
            os.close(ready)
        if before is not None:
            before.stop(STOP_WITHIN_SECONDS)

    def stop(self) -> None:
        """Let requests finish, then end the process."""
        if self._child is not None:
            self._child.stop(STOP_WITHIN_SECONDS)
            self._child = None

    def _spawn(self, settings: Mapping[str, object], announce: int) -> process.Child:
        descriptor = self._listener.fileno()
        options = ["--config", "-", "--fd", str(descriptor), "--ready-fd", str(announce)]
        return process.start(
            [sys.executable, "-m", "freehold", "serve", *options],
            environment=process.own_environment(),
            stdin=json.dumps(settings).encode(),
            log=self._log,
            pass_fds=(descriptor, announce),
        )

    def _wait_until_ready(self, ready: int) -> None:
        """Wait for the one byte that a runtime writes when all its protocols have started."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if select.select([ready], [], [], 0.1)[0]:
                if os.read(ready, 1):
                    return
                raise self._died("the runtime ended while it started")
        raise self._died(f"the runtime was not ready within {READY_WITHIN_SECONDS:.0f} s")

    def _died(self, message: str) -> ProcessDied:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return ProcessDied(
            message,
            detail="\n".join(lines[-LOG_LINES_SHOWN:]),
            hint=f"the whole log: {self._log}",
        )
