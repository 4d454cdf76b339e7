"""Clients that ask again as soon as they are answered, or at a steady pace, and what that costs the server."""

import heapq
import os
import re
import select
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_WITHOUT_BODY = (b"204", b"304")
PATIENCE_SECONDS = 30
"""How long an answer may take."""
READ_BYTES = 65_536


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


def load(ports: list[int], work: Work) -> Seen:
    """Spread the connections over the ports; ends the program when an answer is no success.

    One thread and plain sockets: what the client needs of the cores, the servers cannot have.
    """
    with _Load(ports, work) as under_way:
        return under_way.run()


class _Client:
    """One connection."""

    __slots__ = ("asked_at", "data", "due_at", "socket")

    def __init__(self, port: int, due_at: float) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Python's own timeout is a system call before each read.
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE_SECONDS, 0))
        self.data = b""
        self.asked_at = 0.0
        self.due_at = due_at
        """When it asks next, at a pace. Those who are late ask at once: the pace is one of requests, not of pauses."""


class _Load:
    """All connections of a load."""

    def __init__(self, ports: list[int], work: Work) -> None:
        self._work = work
        self._seen = Seen()
        self._interval = work.connections / work.pace if work.pace else 0.0
        self._started = time.perf_counter()
        share = self._interval / work.connections
        clients = [_Client(ports[n % len(ports)], self._started + n * share) for n in range(work.connections)]
        self._clients = {client.socket.fileno(): client for client in clients}
        self._waiting: list[tuple[float, int]] = []
        """When who asks next, as a heap."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.socket.close()

    def run(self) -> Seen:
        seen, until = self._seen, self._started + self._work.seconds
        with select.epoll() as poll:
            for number, client in self._clients.items():
                poll.register(number, select.EPOLLIN)
                self._ask_in_time(number, client)
            under_way = len(self._clients)
            while under_way:
                for number in self._ready(poll):
                    client = self._clients[number]
                    if not self._take(client):
                        continue
                    if time.perf_counter() >= until or seen.refused or 0 < self._work.most <= seen.count:
                        under_way -= 1
                    else:
                        self._ask_in_time(number, client)
        seen.seconds = time.perf_counter() - self._started
        if seen.refused:
            raise SystemExit(f"refused: {seen.refused.decode('utf-8', 'replace')[:500]}")
        return seen

    def _ready(self, poll: select.epoll) -> Iterable[int]:
        """Wait until somebody is answered; meanwhile ask what is due."""
        if len(self._clients) == 1 and not self._waiting:
            # Reading waits just as well, and is one system call instead of two.
            return self._clients
        while True:
            while self._waiting and self._waiting[0][0] <= time.perf_counter():
                self._ask(self._clients[heapq.heappop(self._waiting)[1]])
            wait = self._waiting[0][0] - time.perf_counter() if self._waiting else PATIENCE_SECONDS
            answered = poll.poll(max(0.0, wait))
            if answered:
                return [number for number, _ in answered]
            if not self._waiting:
                raise SystemExit(f"no answer within {PATIENCE_SECONDS} seconds")

    def _take(self, client: _Client) -> bool:
        """Read what has come; say whether that was the rest of an answer."""
        data = client.socket.recv(READ_BYTES)
        if not data:
            raise SystemExit("the server closed a connection")
        client.data = data = client.data + data if client.data else data
        if not _is_whole(data):
            return False
        if not data.startswith(b"HTTP/1.1 2"):
            self._seen.refused = data
        client.data = b""
        self._seen.times.append(time.perf_counter() - client.asked_at)
        return True

    def _ask_in_time(self, number: int, client: _Client) -> None:
        if not self._interval or client.due_at <= time.perf_counter():
            self._ask(client)
        else:
            heapq.heappush(self._waiting, (client.due_at, number))

    def _ask(self, client: _Client) -> None:
        client.due_at += self._interval
        client.asked_at = time.perf_counter()
        client.socket.sendall(self._work.request)


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
