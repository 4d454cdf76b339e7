"""Find out what a file is, and open it: a dump as it is, packed with gzip, or in a zip as builders hand it out."""

import contextlib
import errno
import gzip
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from freehold.core.errors import SourceBroken
from freehold.data.sources.custom import Archive
from freehold.data.sources.custom.contents import MAGIC
from freehold.data.sources.plain import PlainDump

PIECE_BYTES = 1024 * 1024
HEAD_BYTES = 1024
SHOWN = 8
LOOKED_INTO = 20
"""Members of a zip without a dump's ending, the largest first."""
FIRST_LINE = b"--\n-- PostgreSQL database dump"
KEPT_FREE_BYTES = 512 * 1024 * 1024
LARGEST_BYTES = 64 * 1024**3
LARGEST_RATIO = 200
RATIO_COUNTS_ABOVE = 64 * 1024 * 1024
"""Below this size a high ratio is just an empty table."""
_AGAIN = "download it again and compare its size"
_UNPACKING = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises for damage."""
_DUMPS = (".dump", ".backup", ".sql", ".pgdump", ".bin", ".gz")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def open_dump(path: Path) -> Iterator[Archive | PlainDump]:
    """Open a dump; what it is packed in is unpacked beside the system's temporary files, for this user only.

    Raises SourceBroken for what is no dump, is damaged, or unpacks to too much.
    """
    with contextlib.ExitStack() as stack:
        current = path
        for _ in range(3):  # a zip may hold a .gz
            unpacked = _unpacked(current, stack)
            if unpacked is None:
                break
            current = unpacked
        # A zip and a gzip were unpacked to their end by now, and their checksums cover every byte.
        checked = current != path
        is_archive = _starts_with(current, MAGIC)
        if is_archive:
            yield Archive.open_file(current, is_checked=checked, name=path.name)
        else:
            yield _plain(current, is_checked=checked, name=path.name)


def _plain(path: Path, *, is_checked: bool, name: str) -> PlainDump:
    if _starts_with(path, b"toc.dat") or b"\0" in _head(path):
        raise SourceBroken(
            f"{name} is neither a dump in pg_dump's custom format nor SQL text",
            hint="give the export as you downloaded it: a .zip, .dump, .backup or .sql",
        )
    return PlainDump.open_file(path, is_checked=is_checked, name=name)


def _unpacked(path: Path, stack: contextlib.ExitStack) -> Path | None:
    if _starts_with(path, b"PK\x03\x04"):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freehold-dump-")))
        return _from_zip(path, folder)
    if _starts_with(path, b"\x1f\x8b"):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freehold-dump-")))
        target = folder / path.name.removesuffix(".gz")
        with _readable(path), gzip.open(path) as packed:
            _write(packed, target, path)
        return target
    return None


def _from_zip(path: Path, folder: Path) -> Path:
    with _readable(path), zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if not item.is_dir() and item.file_size]
        dumps = [item for item in members if item.filename.lower().endswith(_DUMPS)] or [
            item for item in sorted(members, key=lambda item: -item.file_size)[:LOOKED_INTO] if _is_dump(archive, item)
        ]
        if not dumps:
            names = archive.namelist()
            raise SourceBroken(
                f"{path.name} holds no dump of a database",
                detail=f"it holds {', '.join(names[:SHOWN]) or 'nothing'}{' and more' if len(names) > SHOWN else ''}",
                hint="give the export of the database; the app's folder or zip belongs to --app",
            )
        chosen = max(dumps, key=lambda item: item.file_size)
        # The member's own name never becomes a path.
        target = folder / ("export.sql" if chosen.filename.lower().endswith(".sql") else "export.dump")
        with archive.open(chosen) as packed:
            _write(packed, target, path)
    return target


def _is_dump(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bool:
    """By what it begins with: some exports give the dump no ending."""
    with archive.open(item) as packed:
        head = packed.read(HEAD_BYTES)
    return head.startswith((MAGIC, FIRST_LINE))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SourceBroken(
                f"{path.name} does not fit on the disk when it is unpacked",
                hint="set TMPDIR to a folder with room, or unpack it elsewhere and give the dump that is in it",
            ) from None
        raise SourceBroken(f"{path.name} cannot be unpacked", detail=str(error), hint=_AGAIN) from None
    except _UNPACKING as error:
        raise SourceBroken(f"{path.name} cannot be unpacked", detail=str(error), hint=_AGAIN) from None


def _write(packed: _Readable, target: Path, path: Path) -> None:
    """Unpack up to what is plausible and what the disk holds."""
    limit = min(LARGEST_BYTES, shutil.disk_usage(target.parent).free - KEPT_FREE_BYTES)
    plausible = max(RATIO_COUNTS_ABOVE, path.stat().st_size * LARGEST_RATIO)
    target.touch(mode=0o600)
    size = 0
    with target.open("wb") as file:
        while piece := packed.read(PIECE_BYTES):
            size += len(piece)
            if size > min(limit, plausible):
                raise SourceBroken(
                    f"{path.name} unpacks to more than {size // 1024**2} MiB",
                    detail=f"{path.stat().st_size} bytes are packed; {max(0, limit) // 1024**2} MiB fit on the disk",
                    hint="unpack it yourself and give the dump that is in it",
                )
            file.write(piece)


def _starts_with(path: Path, mark: bytes) -> bool:
    return _head(path)[: len(mark)] == mark


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise SourceBroken(
            f"{path} cannot be read",
            detail=error.strerror or "",
            hint="check the path",
        ) from None
