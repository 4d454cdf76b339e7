"""An object store in a local folder: <folder>/objects/ab/abcdef..., written under <folder>/unfinished first."""

import asyncio
import contextlib
import errno
import functools
import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from freehold.kit.objects.store import BadObjectKey, Listed, ObjectMissing, Stored

READ_BYTES = 256 * 1024
WRITE_BYTES = 1024 * 1024
CANNOT_LINK = {errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP}
KEY = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class FolderStore:
    """Files of mode 0600 in folders of mode 0700; a file gets its name by rename(2) once its content is on disk."""

    def __init__(self, folder: Path) -> None:
        """The folder is made by the first `put`."""
        self._objects = folder / "objects"
        self._unfinished = folder / "unfinished"

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Stream into a nameless place, flush to disk, then give it its name."""
        path = self._path(key)
        await _in_thread(lambda: _make_folders(path.parent, self._unfinished))
        temporary = self._unfinished / secrets.token_hex(16)
        writer = _Writer(temporary)
        try:
            async for chunk in chunks:
                if writer.hold(chunk):
                    await _in_thread(writer.write_held)
            await _in_thread(lambda: writer.finish(path))
        finally:
            # shielded, because a cancelled upload must not leave its part behind
            await asyncio.shield(_in_thread(writer.discard))
        return Stored(writer.size, writer.md5.hexdigest())

    async def open(self, key: str) -> "OpenFile":
        """Open the file; its content stays until it is closed."""
        path = self._path(key)
        try:
            file = await _in_thread(lambda: path.open("rb"))
        except FileNotFoundError as error:
            raise ObjectMissing(key) from error
        return OpenFile(file)

    async def copy(self, source: str, target: str) -> None:
        """Link the same bytes under a second name: objects never change, so they may be shared."""
        origin, path = self._path(source), self._path(target)

        def link_or_copy() -> None:
            _make_folders(path.parent, self._unfinished)
            try:
                os.link(origin, path)
            except OSError as error:
                if error.errno not in CANNOT_LINK:
                    raise
                _copy(origin, self._unfinished / secrets.token_hex(16), path)
            _flush_folder(path.parent)

        try:
            await _in_thread(link_or_copy)
        except FileNotFoundError as error:
            raise ObjectMissing(source) from error

    async def delete(self, key: str) -> None:
        """Unlink the file."""
        path = self._path(key)
        await _in_thread(lambda: path.unlink(missing_ok=True))

    async def exists(self, key: str) -> bool:
        """Look for the file."""
        return await _in_thread(self._path(key).is_file)

    def list_unchanged_since(self, instant: float) -> Iterator[Listed]:
        """Walk the folder. A link counts as a change, so a fresh copy of an old object is not listed."""
        for folder in _children(self._objects):
            for entry in _children(Path(folder.path)):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    changed_at = max(status.st_mtime, status.st_ctime)
                    if KEY.fullmatch(entry.name) and changed_at < instant:
                        yield Listed(entry.name, changed_at)

    def discard_unfinished(self, instant: float) -> int:
        """Remove parts that nobody has written to since `instant`."""
        count = 0
        for entry in _children(self._unfinished):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < instant:
                    Path(entry.path).unlink()
                    count += 1
        return count

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise BadObjectKey(key)
        return self._objects / key[:2] / key


class OpenFile:
    """A file that is being read, in chunks of READ_BYTES."""

    def __init__(self, file: BinaryIO) -> None:
        """Take over an open file."""
        self._file = file
        status = os.fstat(file.fileno())
        self.size = status.st_size
        self.changed_at = status.st_mtime

    async def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """Give the bytes; a file that ends early ends the stream early."""
        position, end = start, start + length
        while position < end:
            wanted = min(READ_BYTES, end - position)
            chunk = await _in_thread(functools.partial(os.pread, self._file.fileno(), wanted, position))
            if not chunk:
                return
            position += len(chunk)
            yield chunk

    async def close(self) -> None:
        """Close the file."""
        await _in_thread(self._file.close)


class _Writer:
    """Collects chunks, writes and hashes them WRITE_BYTES at a time; every method but `hold` blocks.

    A cancelled upload returns from its await while its thread still writes: the lock makes `discard` wait for it, so
    that no write reaches a descriptor that was closed and given to another file.
    """

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self._descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._held = bytearray()
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._lock = threading.Lock()

    def hold(self, chunk: bytes) -> bool:
        """Keep a chunk; says whether it is time to write."""
        self._held += chunk
        return len(self._held) >= WRITE_BYTES

    def write_held(self) -> None:
        """Write and hash what is held."""
        with self._lock:
            self._write()

    def finish(self, path: Path) -> None:
        """Write the rest, make it durable and give it its name."""
        with self._lock:
            self._write()
            os.fsync(self._descriptor)
            self._temporary.rename(path)
            _flush_folder(path.parent)

    def discard(self) -> None:
        """Close and remove the temporary name."""
        with self._lock:
            os.close(self._descriptor)
            self._temporary.unlink(missing_ok=True)

    def _write(self) -> None:
        content, self._held = self._held, bytearray()
        self.md5.update(content)
        self.size += len(content)
        view = memoryview(content)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _copy(origin: Path, temporary: Path, path: Path) -> None:
    """Copy the bytes where the file system has no links, or no more for this file."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target, origin.open("rb") as source:
            shutil.copyfileobj(source, target, WRITE_BYTES)
            target.flush()
            os.fsync(target.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work)


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make a name durable: fsync of a file does not cover the folder that names it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _children(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
