"""Asynchronous services for tests that are no coroutines."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

Service = TypeVar("Service")
PATIENCE_S = 60.0


@contextlib.contextmanager
def in_a_thread(
    service: AbstractAsyncContextManager[Service],
) -> Iterator[tuple[Service, asyncio.AbstractEventLoop]]:
    """Run a service in a loop and a thread of its own, and give it with its loop. No task of it outlives the block."""
    entered: list[tuple[Service, asyncio.AbstractEventLoop]] = []
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with service as running:
            entered.append((running, asyncio.get_running_loop()))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(PATIENCE_S), "the service did not start"
    try:
        yield entered[0]
    finally:
        entered[0][1].call_soon_threadsafe(ended.set)
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the service did not end"
