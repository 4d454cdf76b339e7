"""How much one client may do. Defaults are Supabase's where it documents them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

CHANNELS_PER_SOCKET = 100
JOINS_PER_SECOND = 100
EVENTS_PER_SECOND = 100
PRESENCE_CALLS = 5
PRESENCE_WINDOW_SECONDS = 30
SOCKETS = 20_000
WAITING_MESSAGES = 5_000
WAITING_BYTES = 16 * 1024 * 1024
SEND_WITHIN_SECONDS = 30.0
IDLE_SECONDS = 90.0
"""Clients send a heartbeat every 25 s."""
BINDINGS_PER_CHANNEL = 100
BROADCAST_LIMIT_BYTES = 3_000_000


@dataclass(slots=True)
class Allowance:
    """So many in so many seconds, refilled evenly."""

    amount: float
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _left: float = -1.0
    _at: float = 0.0

    def take(self) -> bool:
        """Use one up; say whether there was one."""
        now = self.clock()
        if self._left < 0:
            self._left, self._at = self.amount, now
        self._left = min(self.amount, self._left + (now - self._at) * self.amount / self.seconds)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
