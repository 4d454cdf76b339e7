"""Uploaded files of the app: made of blobs that have travelled, as the app's own user, under keys that say nothing.

The folder belongs to the app, and its functions may have put anything there: root never writes or reads in it.
"""

import contextlib
import hashlib
import os
import pwd
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import BadUsage, TargetUnfit
from freehold.targets.server.remote import blobs, disk, places
from freehold.targets.server.remote.places import App

BLOCK = 1 << 20
_KEY = re.compile(r"[0-9a-f]{64}")


def keep(app: str, objects: list[list[str]]) -> int:
    """Make an object of each [key, sha256] pair from the blob of that content; gives how many are there now.

    An object is there whole or not at all, and durable. Blobs that nothing else links to are gone afterwards.
    """
    place = places.app_of(app)
    try:
        for key, digest in objects:
            with blobs.path_of(digest).open("rb") as blob, _as_user(place):
                _put(place, key, blob.fileno())
        with _as_user(place):
            for folder in {_path(place, key).parent for key, _ in objects}:
                disk.sync(folder)
    except OSError as error:
        raise TargetUnfit(
            "uploaded files cannot be kept on the server", detail=str(error), hint="make room on its disk"
        ) from error
    blobs.forget({digest for _, digest in objects})
    return len(objects)


def digests(app: str, keys: list[str]) -> list[str]:
    """SHA-256 of each object; "" for one that is not there."""
    place = places.app_of(app)
    with _as_user(place):
        return [_digest(_path(place, key)) for key in keys]


def drop(app: str) -> None:
    """Delete every object."""
    place = places.app_of(app)
    with _as_user(place):
        for name in ("objects", "unfinished"):
            shutil.rmtree(place.data / "storage" / name, ignore_errors=True)


def _put(place: App, key: str, source: int) -> None:
    path, unfinished = _path(place, key), place.data / "storage/unfinished"
    for folder in (unfinished, path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    temporary = unfinished / secrets.token_hex(16)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target, os.fdopen(os.dup(source), "rb") as blob:
            shutil.copyfileobj(blob, target, BLOCK)
            target.flush()
            os.fsync(target.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
    except FileNotFoundError:
        return ""
    return found.hexdigest()


def _path(place: App, key: str) -> Path:
    if _KEY.fullmatch(key) is None:
        raise BadUsage(f"{key[:80]!r} is no object's key")
    return place.data / "storage/objects" / key[:2] / key


@contextlib.contextmanager
def _as_user(place: App) -> Iterator[None]:
    """Act as the app's user, so that a link that the app has laid leads nowhere that the app may not go."""
    user, groups = pwd.getpwnam(place.user), os.getgroups()
    os.setgroups([user.pw_gid])
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
