"""Knows which requests nobody waits for any more: their threads are lost, and may burn a processor for ever."""

import threading
import time


class Waiting:
    """The requests that have not been answered yet, by the thread that works for each."""

    def __init__(self, longest_seconds: float) -> None:
        """After so many seconds without the beginning of an answer a client has been told that there is none."""
        self._longest_seconds = longest_seconds
        self._begun: dict[int, float] = {}

    def begin(self) -> None:
        """This thread works for a request."""
        self._begun[threading.get_ident()] = time.monotonic()

    def end(self) -> None:
        """This thread has begun to answer, or has failed."""
        self._begun.pop(threading.get_ident(), None)

    def is_overdue(self) -> bool:
        """Whether there is a request that nobody waits for."""
        oldest = min(self._begun.copy().values(), default=time.monotonic())
        return time.monotonic() - oldest > self._longest_seconds
