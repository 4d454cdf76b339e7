"""Uploads by content: only what is missing travels, and a cut transfer goes on where it stopped."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import BadUsage, TargetUnfit
from freehold.kit import files
from freehold.targets.server.remote import disk, places
from freehold.targets.server.remote.places import BLOBS

BLOCK = 1 << 20
SPARE_BYTES = 64 << 20
"""What an upload leaves free: a full disk stops PostgreSQL."""
_kept_open: list[int] = []
"""The folder, while this process brings something: its lock ends with the process, however that ends."""


def missing(blobs: list[list[object]]) -> dict[str, int]:
    """Of [sha256, size] pairs, those that are not here whole, and how much of each is.

    From here on nobody else takes what has arrived for unused: nothing links to it before all of it is here.
    """
    disk.folder(BLOBS, 0o700)
    fcntl.flock(_folder(), fcntl.LOCK_SH)
    found: dict[str, int] = {}
    for digest, size in blobs:
        path = path_of(str(digest))
        if not path.exists() or path.stat().st_size != size:
            part = path.with_suffix(".part")
            found[str(digest)] = part.stat().st_size if part.exists() else 0
    needed = sum(int(str(size)) for digest, size in blobs if str(digest) in found)
    free = shutil.disk_usage(BLOBS).free
    if needed * 2 + SPARE_BYTES > free:
        raise TargetUnfit(
            "the server's disk is too full for what has to travel",
            detail=f"{needed >> 20} MB have to travel and be unpacked, {free >> 20} MB are free",
            hint="remove old releases there (freehold releases --prune), or make room",
        )
    return found


def receive(blobs: list[list[object]]) -> int:
    """Take [sha256, offset, count] after each other from standard input; gives how many are whole now."""
    done = 0
    for digest, offset, count in blobs:
        if not _take(path_of(str(digest)), str(digest), int(str(offset)), int(str(count))):
            break
        done += 1
    return done


def make_part(app: str, digest: str, names: list[list[str]]) -> None:
    """Make a part of [path, mode, sha256] entries: whole, or not at all."""
    place = places.app_of(app)
    destination = place.part(digest)
    if destination.is_dir():
        return
    if _list_digest(names) != digest:
        raise BadUsage(f"the list of part {digest[:12]} does not have that digest")
    lay_out(destination, names)


def lay_out(destination: Path, names: list[list[str]]) -> None:
    """Make a read-only folder of links to uploaded files."""
    with files.whole_folder(destination) as folder:
        for name, mode, sha in names:
            _link(folder, name, mode, sha)
        for inner in (folder, *(item for item in folder.rglob("*") if item.is_dir())):
            inner.chmod(0o755)
    disk.sync(destination.parent)


def forget_unused(kept: set[str]) -> None:
    """Drop files that no part and no runtime links to any more, and that are not among those kept.

    None of them while somebody else brings some: whoever removes a release next does it.
    """
    with _alone() as is_alone:
        for path in BLOBS.iterdir() if is_alone else ():
            if path.suffix != ".part" and path.stat().st_nlink == 1 and path.name not in kept:
                path.unlink(missing_ok=True)


def forget(digests: set[str]) -> None:
    """Drop these files unless a part or a runtime links to them."""
    for digest in digests:
        path = path_of(digest)
        if path.exists() and path.stat().st_nlink == 1:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone() -> Iterator[bool]:
    """Keep others from bringing files while the block runs; says whether nobody does."""
    if not BLOBS.is_dir():
        yield False
        return
    try:
        fcntl.flock(_folder(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(_folder(), fcntl.LOCK_UN)


def _folder() -> int:
    if not _kept_open:
        _kept_open.append(os.open(BLOBS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    return _kept_open[0]


def _link(folder: Path, name: str, mode: str, sha: str) -> None:
    if name.startswith("/") or ".." in Path(name).parts:
        raise BadUsage(f"{name!r} leaves its folder")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    source = path_of(sha)
    if mode == "755":  # one content may be a program here and a text there: only that one is copied
        shutil.copyfile(source, target)
        target.chmod(0o555)
    else:  # runtimes may lie on another filesystem than what was uploaded
        files.link_or_copy(source, target)


def _take(path: Path, digest: str, offset: int, count: int) -> bool:
    part = path.with_suffix(".part")
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(offset)
        file.seek(offset)
        left = count
        while left:
            block = sys.stdin.buffer.read(min(BLOCK, left))
            if not block:
                return False
            file.write(block)
            left -= len(block)
        file.flush()
        os.fsync(file.fileno())
    if files.sha256(part) != digest:
        part.unlink()
        raise TargetUnfit("a file did not arrive as it was sent", detail=digest, hint="run the same command again")
    part.chmod(0o444)
    part.rename(path)
    return True


def path_of(digest: str) -> Path:
    """Where a file of this content lies."""
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256 in hex
        raise BadUsage(f"{digest[:80]!r} is no digest")
    return BLOBS / digest


def _list_digest(names: list[list[str]]) -> str:
    """The digest that releases/artifact.py gives a folder."""
    total = hashlib.sha256()
    for name, mode, sha in sorted(names):
        total.update(json.dumps([name, mode, path_of(sha).stat().st_size, sha]).encode() + b"\n")
    return total.hexdigest()
