"""A thread for whoever looks after the process: the others may all have long answers to give."""

from importlib import import_module
from typing import Any


class Attended:
    """In front of waitress' dispatcher: it hands connections with a request to threads."""

    def __init__(self, dispatcher: Any) -> None:  # noqa: ANN401 - waitress has no types
        """Start one thread more."""
        self._dispatcher = dispatcher
        self._own = import_module("waitress.task").ThreadedTaskDispatcher()
        self._own.set_thread_count(1)
        self.shutdown = dispatcher.shutdown
        self.set_thread_count = dispatcher.set_thread_count

    def add_task(self, channel: Any) -> None:  # noqa: ANN401 - likewise
        """Have a connection's first request answered."""
        asks = "X_FREEHOLD_CONTROL" in channel.requests[0].headers
        (self._own if asks else self._dispatcher).add_task(channel)
