"""One `freehold up` a place: a lock that the kernel lets go when its process ends, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import AlreadyRunning
from freehold.targets.local import state


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the place's lock; raises AlreadyRunning with the other process's id."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _refusal(path, os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _refusal(path: Path, holder: str) -> AlreadyRunning:
    """A served app tells where it is; without that it is a move, or an app that is not up yet."""
    if state.read(path.with_name("up.json")) is None:
        return AlreadyRunning(
            "another command works with this app just now",
            detail=f"process {holder} works in {path.parent}",
            hint="wait until it has ended, then type the same again",
        )
    return AlreadyRunning(
        "this app is already up",
        detail=f"process {holder} serves from {path.parent}",
        hint=f"freehold status --data {path.parent}   or   freehold down --data {path.parent}",
    )
