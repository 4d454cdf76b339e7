"""Unpacking zips that strangers made.

The limits follow what a zip can do to the machine that opens it: leave its folder, write links and devices, or
unpack to more than the disk holds. Sizes are counted while unpacking, because headers may lie.
"""

import stat
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from freehold.core.errors import BadArchive

CHUNK_BYTES = 1 << 20
_HINT = "download the zip from the builder once more, or give the unpacked folder"
_WINDOWS_NAMES = frozenset({"con", "prn", "aux", "nul"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may unpack to."""

    files: int = 50_000
    total_bytes: int = 2 * 1024**3
    file_bytes: int = 512 * 1024**2
    ratio: int = 200
    """Unpacked bytes for each packed byte, over the whole archive."""
    ratio_floor_bytes: int = 64 * 1024**2
    """An archive that unpacks to less is small enough whatever its ratio is."""


DEFAULT_LIMITS = Limits()


def unpack(archive: Path, destination: Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Unpack a zip into an empty folder and give the folder of its content (the single top folder, if it has one).

    Raises BadArchive for what is broken, encrypted, leaves its folder, holds links or devices, names a file twice
    (also when only case differs), or is larger than the limits. The destination may then hold a part: remove it.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = _members(content, limits)
            _check_ratio(sum(member.file_size for member in members.values()), archive, limits)
            _extract(content, members, destination, archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and error.errno is not None:
            raise
        raise BadArchive(f"{archive.name} is not a readable zip", detail=str(error), hint=_HINT) from error
    except RuntimeError as error:  # what zipfile raises for an encrypted member
        raise BadArchive(f"{archive.name} cannot be unpacked", detail=str(error), hint=_HINT) from error
    return _unwrap(destination)


def _members(content: zipfile.ZipFile, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    entries = [entry for entry in content.infolist() if not _is_noise(entry.filename)]
    if len(entries) > limits.files:
        raise BadArchive(f"the zip holds {len(entries)} files; the limit is {limits.files}", hint=_HINT)
    members: dict[str, zipfile.ZipInfo] = {}
    folded: dict[str, str] = {}
    for entry in entries:
        path = _safe_path(entry)
        _check_kind(entry)
        if entry.is_dir():
            continue
        if path in members:
            raise BadArchive("the zip names a file twice", detail=path, hint=_HINT)
        _check_spelling(path, folded)
        members[path] = entry
    _check_files_are_not_folders(members)
    return members


def _is_noise(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] == ".DS_Store"


def _safe_path(entry: zipfile.ZipInfo) -> str:
    name = entry.orig_filename.replace("\\", "/")
    path = PurePosixPath(name)
    if "\0" in name or not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive("the zip holds a file that would be written outside its folder", detail=repr(name), hint=_HINT)
    if any(part.lower() in _WINDOWS_NAMES for part in path.parts):
        raise BadArchive("the zip holds a name that some systems take for a device", detail=repr(name), hint=_HINT)
    return path.as_posix()


def _check_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a device or pipe"
        raise BadArchive(f"the zip holds {what}, which an app does not need", detail=repr(entry.filename), hint=_HINT)
    if entry.flag_bits & 0x1:
        raise BadArchive(
            "the zip is encrypted", detail=repr(entry.filename), hint="unpack it yourself and give the folder"
        )


def _check_spelling(path: str, folded: dict[str, str]) -> None:
    other = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
    if other != path:
        detail = f"{other!r} and {path!r}"
        raise BadArchive("the zip holds two names that differ in case or accents only", detail=detail, hint=_HINT)


def _check_files_are_not_folders(members: dict[str, zipfile.ZipInfo]) -> None:
    for path in members:
        for parent in PurePosixPath(path).parents:
            if parent.as_posix() in members:
                raise BadArchive("the zip uses one name for a file and a folder", detail=parent.as_posix(), hint=_HINT)


def _check_ratio(total: int, archive: Path, limits: Limits) -> None:
    packed = max(archive.stat().st_size, 1)
    if total > limits.total_bytes:
        raise _too_large(f"{total} bytes; the limit is {limits.total_bytes}")
    if total > limits.ratio_floor_bytes and total / packed > limits.ratio:
        raise _too_large(f"{packed} bytes unpack to {total}: more than {limits.ratio} times as much")


def _extract(
    content: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    destination: Path,
    archive: Path,
    limits: Limits,
) -> None:
    total = 0
    for path, entry in members.items():
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with content.open(entry) as source, target.open("xb") as file:
            total += _copy(source, file, min(limits.file_bytes, limits.total_bytes - total), path)
        target.chmod(0o755 if entry.external_attr >> 16 & 0o111 else 0o644)
    _check_ratio(total, archive, limits)


def _copy(source: IO[bytes], file: IO[bytes], limit: int, path: str) -> int:
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise _too_large(f"{path} is larger than {limit} bytes")
        file.write(chunk)
    return size


def _too_large(detail: str) -> BadArchive:
    return BadArchive("the zip unpacks to more than an app can be", detail=detail, hint=_HINT)


def _unwrap(folder: Path) -> Path:
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        return entries[0]
    return folder
