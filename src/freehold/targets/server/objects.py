"""The app's uploaded files on a server, as a place that a move brings files to.

Small files are held on this machine until there are enough of them, and travel as blobs: what is cut off goes on.
"""

import asyncio
import contextlib
import hashlib
import secrets
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from freehold.core.event import Event
from freehold.kit.objects.store import Stored
from freehold.targets.server import upload
from freehold.targets.server.agent import Agent

HELD_BYTES = 32 * 1024 * 1024
HELD_FILES = 200
ASKED_AT_ONCE = 1000


@dataclass
class ServerFiles:
    """See FilePlace in data/move/destination.py. `folder` is this machine's, for what has not travelled yet."""

    agent: Agent
    app: str
    folder: Path
    _held: dict[str, tuple[str, Path]] = field(default_factory=dict)
    _size: int = 0
    _sending: threading.Lock = field(default_factory=threading.Lock)

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Hold the bytes here; they travel with others. What `chunks` raises is passed on, and nothing is kept."""
        path = self.folder / secrets.token_hex(16)
        sha, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        try:
            with path.open("xb") as file:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
                    sha.update(chunk)
                    md5.update(chunk)
                    size += len(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._held[key] = (sha.hexdigest(), path)
        self._size += size
        if self._size >= HELD_BYTES or len(self._held) >= HELD_FILES:
            await self.settle()
        return Stored(size, md5.hexdigest())

    async def settle(self) -> None:
        """Let everything travel that is held; it is durable there when this returns."""
        held, self._held, self._size = self._held, {}, 0
        if held:
            await asyncio.to_thread(self._send, held)

    async def digests(self, keys: Sequence[str]) -> list[str]:
        """Let the server hash them there."""
        found: list[str] = []
        for start in range(0, len(keys), ASKED_AT_ONCE):
            some = list(keys[start : start + ASKED_AT_ONCE])
            found += await asyncio.to_thread(self._ask_digests, some)
        return found

    def _ask_digests(self, keys: list[str]) -> list[str]:
        return list(self.agent.ask("object-digests", app=self.app, keys=keys))

    def _send(self, held: dict[str, tuple[str, Path]]) -> None:
        try:
            with self._sending:
                self._bring(held)
        finally:
            for _, path in held.values():
                with contextlib.suppress(OSError):
                    path.unlink()

    def _bring(self, held: dict[str, tuple[str, Path]]) -> None:
        upload.send(self.agent, dict(held.values()), _quietly)
        pairs = [[key, digest] for key, (digest, _) in held.items()]
        self.agent.ask("keep-objects", app=self.app, objects=pairs)


def _quietly(_event: Event) -> None:
    """The move counts files itself."""
