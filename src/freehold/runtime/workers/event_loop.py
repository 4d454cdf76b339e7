"""Whether a process comes back to its event loop."""

import asyncio
import time
from collections.abc import Callable

from freehold.runtime.workers.program import Bounds

BUSY_SECONDS = 0.05
LONGEST_LOOK_SECONDS = 1.0
"""More than this between two looks is time in which the one who looks was held up itself."""


class EventLoop:
    """What is known of a process's event loop: it is asked while CPU is used, and where a hang counts now and then."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody has been asked yet."""
        self._bounds = bounds
        self._clock = clock
        self._ping: asyncio.Task[None] | None = None
        self._looked_at = clock()
        self._waited_seconds = 0.0
        self._cpu_when_asked = 0.0
        self._cpu_when_answered = 0.0

    def boots(self, cpu_seconds: float) -> None:
        """It does not listen yet: what it uses to load counts for its boot, which has a limit of its own."""
        self._cpu_when_answered = cpu_seconds

    def judged(self, cpu_seconds: float) -> str:
        """Look once; say which limit is passed, "" for none: who waits for a busy machine's CPU does not hang."""
        now = self._clock()
        self._waited_seconds += min(now - self._looked_at, LONGEST_LOOK_SECONDS)
        self._looked_at = now
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
        self._ping, self._waited_seconds, self._cpu_when_asked = ping, 0.0, cpu_seconds

    def forget(self) -> None:
        """Wait for no answer any more."""
        if self._ping is not None:
            self._ping.cancel()

    def _is_long_ago(self) -> bool:
        patience = self._bounds.hang_seconds
        return patience is not None and self._waited_seconds > patience
