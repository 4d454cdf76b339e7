"""Clients that ask again as soon as they are answered, or at a steady pace, and what that costs the server."""

import asyncio
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_WITHOUT_BODY = (b"204", b"304")
PATIENCE_SECONDS = 30
"""How long the last answers may take."""


@dataclass
class Seen:
    """What a load saw."""

    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    refused: bytes = b""

    @property
    def count(self) -> int:
        """How many were answered."""
        return len(self.times)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    @property
    def p99_milliseconds(self) -> float:
        """The time that 99 of 100 stayed below."""
        return sorted(self.times)[int(self.count * 0.99)] * 1000


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is asked."""

    request: bytes
    connections: int = 16
    seconds: float = 3.0
    pace: float = 0.0
    """Requests a second over all connections; 0 for as many as are answered."""
    most: int = 0
    """End after so many answers, whatever the time; 0 for no such end."""


async def load(ports: list[int], work: Work) -> Seen:
    """Spread the connections over the ports; ends the program when an answer is no success."""
    seen = Seen()
    started = time.monotonic()
    until = started + work.seconds
    loop = asyncio.get_running_loop()
    clients = [_Client(work, until, seen) for _ in range(work.connections)]
    for number, client in enumerate(clients):
        client.first_at = started + number / work.pace if work.pace else 0.0
        port = ports[number % len(ports)]
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), work.seconds + PATIENCE_SECONDS)
    seen.seconds = time.monotonic() - started
    if seen.refused:
        raise SystemExit(f"refused: {seen.refused.decode('utf-8', 'replace')[:500]}")
    return seen


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, work: Work, until: float, seen: Seen) -> None:
        self._work = work
        self._until = until
        self._seen = seen
        self._data = b""
        self._asked_at = 0.0
        self.first_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's
        self._transport: Any = transport
        self._next_at = self.first_at
        self._ask_in_time()

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        if not _is_whole(self._data):
            return
        if not self._data.startswith(b"HTTP/1.1 2"):
            self._seen.refused = self._data
        self._data = b""
        now = time.monotonic()
        self._seen.times.append(now - self._asked_at)
        is_over = now >= self._until or (self._work.most and self._seen.count >= self._work.most)
        if is_over or self._seen.refused:
            self._transport.close()
        else:
            self._ask_in_time()

    def connection_lost(self, _: Exception | None) -> None:
        self.done.set_result(None)

    def _ask_in_time(self) -> None:
        """At a pace, those who are late ask at once: the pace is one of requests, not of pauses."""
        wait = self._next_at - time.monotonic() if self._work.pace else 0.0
        self._next_at += self._work.connections / self._work.pace if self._work.pace else 0.0
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        self._transport.write(self._work.request)


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    if length is not None:
        return len(body) >= int(length[1])
    return head[9:12] in _WITHOUT_BODY or body.endswith(b"0\r\n\r\n")


def cpu_seconds(*pids: int) -> float:
    """How long these processes have run, all threads."""
    tasks = (path for pid in pids for path in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((path / "schedstat").read_text().split()[0]) for path in tasks) / 1e9


def memory_megabytes(pid: int) -> float:
    """What a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
