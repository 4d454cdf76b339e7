"""The ways out of a confined program: ports of its own loopback, answered by the runtime."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from freehold.core.errors import ProcessDied
from freehold.runtime.connections import Connections
from freehold.runtime.workers.log import WorkerLog

BACKLOG = 4
LONGEST_TOLD_BYTES = 4096
MOST_CONNECTIONS = 256
"""Behind one door."""
HEAD_BYTES = 64 * 1024
TOLD_WITHIN_SECONDS = 1.0
"""Once the launcher has ended: its words wait in the socket, unless it said none."""

Door = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one connection; it is closed afterwards."""


class Doors:
    """Waits for the launcher to hand over the listening sockets, and answers behind each with its door."""

    def __init__(self, path: Path, doors: Sequence[Door], log: WorkerLog) -> None:
        """`path` is where the launcher comes; the doors are in the order of its ports."""
        self._path = path
        self._doors = doors
        self._log = log
        self._coming: asyncio.Task[None] | None = None
        self._servers: list[asyncio.Server] = []
        self._connections: list[Connections] = []
        self.refusal: ProcessDied | None = None
        """Why the machine cannot confine a program; None while nothing of that kind is known."""

    async def start(self) -> None:
        """Listen for the launcher."""
        listener = socket.socket(socket.AF_UNIX)
        listener.setblocking(False)
        listener.bind(str(self._path))
        listener.listen(BACKLOG)
        self._coming = asyncio.create_task(self._take(listener))

    async def stop(self) -> None:
        """Take no more connections, and end those that are left; what the launcher told before it ended is read."""
        if self._coming is not None:
            await asyncio.wait((self._coming,), timeout=TOLD_WITHIN_SECONDS)
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        for server in self._servers:
            server.close()
        await asyncio.gather(*(connections.stop() for connections in self._connections))

    async def _take(self, listener: socket.socket) -> None:
        """Take what the one launcher brings. The program has no way here: its files hold no such path."""
        loop = asyncio.get_running_loop()
        with listener:
            launcher, _ = await loop.sock_accept(listener)
        with launcher:
            launcher.setblocking(False)
            await _readable(launcher)
            message, descriptors, _, _ = socket.recv_fds(launcher, LONGEST_TOLD_BYTES, len(self._doors))
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        told = json.loads(message or b"{}")
        if "missing" in told:
            missing, hint = str(told["missing"]), str(told["hint"])
            self.refusal = ProcessDied("the app's own server cannot be confined here", detail=missing, hint=hint)
            self._log.lines([f"It cannot be confined, so it is not started: {missing}."], "system")
            return
        for door, opened in zip(self._doors, sockets, strict=True):
            opened.setblocking(False)
            connections = Connections(_answered(door), MOST_CONNECTIONS)
            self._connections.append(connections)
            self._servers.append(await asyncio.start_server(connections.accept, sock=opened, limit=HEAD_BYTES))


def _answered(door: Door) -> Door:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            await door(reader, writer)

    return answer


async def _readable(opened: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(opened, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(opened)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
