"""How many requests this process has answered, where whoever watches over a release can read it without asking.

One file a process, named by its id: two unsigned 64-bit numbers, little-endian, requests and failures. A failure is an
answer with 500 or above, or none at all. What a function of the app answers counts like everything else.
"""

import contextlib
import mmap
import os
import struct
from pathlib import Path

from freehold.runtime.services import Message, Receive, Scope, Send
from freehold.runtime.standing import Parting

FORMAT = struct.Struct("<QQ")
FAILURE = 500


class Counted:
    """Counts what passes through; without a directory it only passes."""

    def __init__(self, app: Parting, directory: Path | None) -> None:
        """Make this process's file."""
        self._app = app
        self._requests = self._failed = 0
        self._memory = _map(directory) if directory is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as what is wrapped does."""
        if scope["type"] != "http" or self._memory is None:
            await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._count(failed=not 0 < status < FAILURE)

    def _count(self, *, failed: bool) -> None:
        self._requests += 1
        self._failed += failed
        if self._memory is not None:
            FORMAT.pack_into(self._memory, 0, self._requests, self._failed)


def _map(directory: Path) -> mmap.mmap:
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    descriptor = os.open(directory / str(os.getpid()), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(descriptor, FORMAT.size)
        return mmap.mmap(descriptor, FORMAT.size)
    finally:
        os.close(descriptor)
