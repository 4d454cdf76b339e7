"""What a process of the app's own code is started with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a process may use. Going over memory, CPU or threads ends it; unused for `idle` seconds, it is stopped."""

    memory_megabytes: int
    cpu_seconds: float
    """CPU time without once coming back to the event loop."""
    boot_seconds: float
    background_seconds: float
    """How long work may go on that was begun by a request and outlives it."""
    idle_seconds: float | None = None
    """None keeps it for ever."""
    threads: int | None = None
    """More than these end it; None counts none."""
    hang_seconds: float | None = None
    """How long its event loop may stand still without using CPU; None asks only while it uses some."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a process is started. `run` is short, because it holds sockets, and is removed when the process is gone."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    run: Path
    bounds: Bounds

    @property
    def socket(self) -> Path:
        """Where the program listens."""
        return socket_in(self.run)

    @property
    def relay(self) -> Path:
        """Where the program reaches the API. Its own, so that it cannot listen in on another program's calls."""
        return relay_in(self.run)


def socket_in(run: Path) -> Path:
    """Where a program with this folder listens."""
    return run / "fn"


def relay_in(run: Path) -> Path:
    """Where a program with this folder finds the API."""
    return run / "api"
