"""Folders that belong to one process for as long as it lives: nobody replaces what stands in them meanwhile."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from freehold.kit import files

_GUARD = ".lock"


@contextlib.contextmanager
def own_folder(parent: Path, name: str) -> Iterator[Path]:
    """Make an empty folder `<name>-<random>` in `parent`, for this process until it ends, however it ends.

    Others may make one of the same name at the same time. Folders whose process has ended are removed by the next that
    makes one: nothing else may be kept in `parent`. After an error in the block the folder is gone.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / _GUARD).open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # between its making and its lock a folder would look as if nobody had it
        _remove_left(parent)
        folder = parent / f"{name}-{secrets.token_hex(4)}"
        folder.mkdir()
        held = _held(folder)  # closed by the end of the process only
    try:
        yield folder
    except BaseException:
        files.remove_tree(folder)
        os.close(held)
        raise


def _remove_left(parent: Path) -> None:
    for path in parent.iterdir():
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # somebody has it, or it is not ours
                lock = _held(path)
                try:
                    files.remove_tree(path)
                finally:
                    os.close(lock)


def _held(folder: Path) -> int:
    """Lock a folder; gives the descriptor. Raises BlockingIOError when another process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
