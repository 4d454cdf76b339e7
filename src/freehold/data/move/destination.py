"""Where a move goes: two logins of one database, and a place for files. How they were got is not its business."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.kit.objects.store import ObjectMissing, ObjectStore, Stored

OWNER_OPTIONS = (
    f"{postgres.SAME_TEXTS} -c check_function_bodies=off -c client_min_messages=warning -c statement_timeout=0 "
    "-c lock_timeout=120s -c idle_in_transaction_session_timeout=0 -c role=none -c maintenance_work_mem=128MB"
)
"""What pg_dump sets at the head of a dump, and the same output of values at both ends."""


class FilePlace(Protocol):
    """Keeps the bytes of uploaded files under keys of `object_key`."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Take all chunks; what `chunks` raises is passed on, and nothing is kept."""

    async def settle(self) -> None:
        """When this returns, everything that was put is there whole, and durable."""

    async def digests(self, keys: Sequence[str]) -> list[str]:
        """SHA-256 in hex of what is there under each key now; "" for what is not there."""


@dataclass(frozen=True)
class StoredFiles:
    """An object store of this machine as a place for files."""

    store: ObjectStore

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Write it at once."""
        return await self.store.put(key, chunks)

    async def settle(self) -> None:
        """Nothing: what was put is durable."""

    async def digests(self, keys: Sequence[str]) -> list[str]:
        """Read every byte again."""
        return [await self._digest(key) for key in keys]

    async def _digest(self, key: str) -> str:
        try:
            found = await self.store.open(key)
        except ObjectMissing:
            return ""
        digest = hashlib.sha256()
        try:
            async for piece in found.read(0, found.size):
                digest.update(piece)
        finally:
            await found.close()
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The administrator decides and records; the owner role makes and loads what is the app's."""

    admin_dsn: Secret
    owner_dsn: Secret
    owner: str
    """The owner role's name."""
    described: str
    files: FilePlace
    """Where the bytes of files go."""
    far: Callable[[str], tuple[int, int]] | None = None
    """Hashes what a COPY statement gives, where the database is; None where it is near."""

    @contextmanager
    def admin(self) -> Iterator[postgres.Connection]:
        """A connection of the administrator."""
        with postgres.connect(Secret(postgres.with_defaults(self.admin_dsn.reveal(), options=OWNER_OPTIONS))) as found:
            yield found

    @contextmanager
    def app(self) -> Iterator[postgres.Connection]:
        """A connection of the owner role."""
        with postgres.connect(Secret(postgres.with_defaults(self.owner_dsn.reveal(), options=OWNER_OPTIONS))) as found:
            found.prepare_threshold = None
            yield found
