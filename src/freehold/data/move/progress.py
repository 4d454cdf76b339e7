"""How far the rows are: bytes, rate, and the time that is left. Told at most twice a second."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from freehold.core.event import Event
from freehold.core.plan import Report

REPORT_SECONDS = 0.5
FIRST_SHARE = 0.005
"""Of the whole: before so much is there, no time is told."""


@dataclass
class Progress:
    """`tables` of them, which take `size` bytes at the source all together, packed or not; 0 when nobody knows."""

    report: Report
    tables: int
    size: int
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    bytes: int = 0
    """Rows as they travel, unpacked."""
    _told: float = 0.0
    _name: str = ""
    _finished: tuple[int, int] = (0, 0)
    """Sizes at the source of the tables that are done, and the bytes that they were."""
    _current: int = 0

    @contextmanager
    def table(self, name: str, size: int) -> Iterator[None]:
        """While the rows of one table go by; `size` is what they take at the source."""
        self._name, self._current, before = name, size, self.bytes
        try:
            yield
        finally:
            packed, unpacked = self._finished
            self._finished = packed + size, unpacked + self.bytes - before
            self._current = 0
            self.done += 1

    def add(self, size: int) -> None:
        """Count a piece."""
        self.bytes += size
        now = time.monotonic()
        if now - self._told >= REPORT_SECONDS:
            self._told = now
            self.report(self._event(now - self.started))

    @property
    def share(self) -> float:
        """How much of the whole is there, 0 to 1: a packed table counts by what it takes packed."""
        packed, unpacked = self._finished
        swells = unpacked / packed if packed and unpacked else 1.0
        here = min(self._current, (self.bytes - unpacked) / swells)
        return min(1.0, (packed + here) / self.size) if self.size else 0.0

    def _event(self, seconds: float) -> Event:
        rate, share = self.bytes / max(seconds, 0.001), self.share
        left = seconds * (1 - share) / share if share >= FIRST_SHARE else None
        values = {
            "what": "rows", "table": self._name, "done": self.done, "of": self.tables, "bytes": self.bytes,
            "bytes_per_second": round(rate), "seconds_left": None if left is None else round(left),
        }  # fmt: skip
        time_left = "" if left is None else f", {_clock(left)} left"
        text = f"{_bar(self.done, self.tables)} {self._name}: {self.bytes / 1e6:.0f} MB, {rate / 1e6:.1f} MB/s"
        return Event(name="progress", text=text + time_left, values=dict(values))


def _bar(done: int, of: int) -> str:
    width = 20
    full = width * done // max(of, 1)
    return f"[{'#' * full}{'.' * (width - full)}] {done}/{of}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
