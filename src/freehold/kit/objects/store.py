"""What an object store has to be, and how keys are made."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol


class ObjectMissing(Exception):
    """There is no object under this key."""


class BadObjectKey(Exception):
    """The key was not made by `object_key`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its length in bytes and the MD5 of its content in hex, which is S3's ETag of a plain put."""

    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One object as a listing shows it; `changed_at` is in seconds since the epoch."""

    key: str
    changed_at: float


class ObjectStore(Protocol):
    """Keeps bytes under keys that `object_key` made. Objects are never changed: a new content has a new key.

    An object is visible whole or not at all: a `put` that fails, is cancelled or dies with the machine leaves nothing
    under its key. What `put` and `copy` made is durable when they return. Other errors than those named are OSError.
    """

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Write all chunks; what `chunks` raises is passed on, and nothing is kept."""

    async def open(self, key: str) -> "OpenObject":
        """Open for reading; raises ObjectMissing. The content stays readable until `close`, even when deleted."""

    async def copy(self, source: str, target: str) -> None:
        """Put the content of `source` under `target` too; raises ObjectMissing."""

    async def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""

    async def exists(self, key: str) -> bool:
        """Say whether there is an object."""

    def list_unchanged_since(self, instant: float) -> Iterator[Listed]:
        """Every object that last changed before `instant` (seconds since the epoch), in no order. Blocks."""

    def discard_unfinished(self, instant: float) -> int:
        """Remove what puts that died before `instant` left behind, and count it. Blocks."""


class OpenObject(Protocol):
    """An object that is being read."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    @property
    def changed_at(self) -> float:
        """When it was written, in seconds since the epoch."""

    def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """Give `length` bytes from `start` in chunks."""

    async def close(self) -> None:
        """Let go of it; twice is once."""


def object_key(*parts: str) -> str:
    """Make the key of an object from what names it. Nothing of the parts can be read from the key.

    64 hex digits: SHA-256 over every part's length and UTF-8 text, so that ("a", "bc") and ("ab", "c") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()
