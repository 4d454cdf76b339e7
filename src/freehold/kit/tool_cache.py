"""The folder where programs that Freehold installs are kept, and how one gets there: whole, or not at all."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.kit import files

ROOT_CACHE = Path("/var/cache/freehold")


def folder() -> Path:
    """Give the tool cache: $FREEHOLD_CACHE, else $XDG_CACHE_HOME/freehold, else ~/.cache/freehold; /var/cache for root.

    Root's home is closed to the user that PostgreSQL runs as. Raises ProgramMissing when somebody else could have put
    programs there.
    """
    cache = _chosen()
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise ProgramMissing(
            f"the folder for programs, {cache}, cannot be made",
            detail=str(error),
            hint="set FREEHOLD_CACHE to a folder that you may write",
        ) from error
    _refuse_strangers(cache)
    return cache


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Give the folder `name` of the cache; `install` fills it when it is not there yet.

    The folder appears in one step after all of it is on disk. Two processes at once: one installs, the other waits.
    A process that is killed half-way leaves nothing that counts, and its rest is removed by the next.
    """
    cache = folder()
    destination = cache / name
    if not destination.is_dir():
        with _locked(cache / f"{name}.lock"):
            if not destination.is_dir():
                _remove_rests(cache, name)
                with files.whole_folder(destination) as temporary:
                    install(temporary)
                    _open_and_sync(temporary)
                _sync(cache)
    return destination


def _chosen() -> Path:
    named = os.environ.get("FREEHOLD_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return ROOT_CACHE
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "freehold"


def _refuse_strangers(cache: Path) -> None:
    status = cache.stat()
    if status.st_uid not in (0, os.geteuid()) or stat.S_IMODE(status.st_mode) & 0o022:
        raise ProgramMissing(
            f"the folder for programs, {cache}, can be written by others",
            detail=f"owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):o}; you are {os.geteuid()}",
            hint=f"chown {os.geteuid()} {cache} && chmod 755 {cache}, or set FREEHOLD_CACHE to a folder of your own",
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_rests(cache: Path, name: str) -> None:
    """Remove what killed installations left; the lock is ours, so nobody is at it."""
    for rest in cache.glob(f".{name}.*.new"):
        files.remove_tree(rest)


def _open_and_sync(root: Path) -> None:
    """Let every user read and run what was installed, whatever the umask was, and put it on disk."""
    for parent, _, names in os.walk(root):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
                _sync(path)
        Path(parent).chmod(0o755)
        _sync(Path(parent))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
