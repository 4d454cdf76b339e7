"""One `freehold up` a place: a lock that the kernel lets go when its process ends, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import AlreadyRunning


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the place's lock; raises AlreadyRunning with the other process's id."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyRunning(
                "this app is already up",
                detail=f"process {holder} serves from {path.parent}",
                hint=f"freehold status --data {path.parent}   or   freehold down --data {path.parent}",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
