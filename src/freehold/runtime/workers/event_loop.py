"""Whether a process comes back to its event loop."""

import asyncio
import time

from freehold.runtime.workers.program import Bounds

BUSY_SECONDS = 0.05


class EventLoop:
    """What is known of a process's event loop: it is asked while CPU is used, and where a hang counts now and then."""

    def __init__(self, bounds: Bounds) -> None:
        """Nobody has been asked yet."""
        self._bounds = bounds
        self._ping: asyncio.Task[None] | None = None
        self._at = time.monotonic()
        self._cpu_when_asked = 0.0
        self._cpu_when_answered = 0.0

    def judged(self, cpu_seconds: float) -> str:
        """Say which limit is passed, "" for none: who waits for a busy machine's CPU does not hang."""
        if self._ping is not None and self._ping.done():
            self._cpu_when_answered, self._ping = cpu_seconds, None
        if cpu_seconds - self._cpu_when_answered > self._bounds.cpu_seconds:
            return "cpu"
        quiet = cpu_seconds - self._cpu_when_asked < BUSY_SECONDS
        return "hung" if self._ping is not None and quiet and self._is_long_ago() else ""

    def is_to_be_asked(self, cpu_seconds: float) -> bool:
        """Whether it is time to ask, and no answer is waited for."""
        busy = cpu_seconds - self._cpu_when_answered > BUSY_SECONDS
        return self._ping is None and (busy or self._is_long_ago())

    def asked(self, ping: "asyncio.Task[None]", cpu_seconds: float) -> None:
        """Remember the question, which ends with its answer."""
        self._ping, self._at, self._cpu_when_asked = ping, time.monotonic(), cpu_seconds

    def forget(self) -> None:
        """Wait for no answer any more."""
        if self._ping is not None:
            self._ping.cancel()

    def _is_long_ago(self) -> bool:
        patience = self._bounds.hang_seconds
        return patience is not None and time.monotonic() - self._at > patience
