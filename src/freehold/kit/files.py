"""Files and folders: digests, links instead of copies, folders that appear whole or not at all."""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

GONE = ".gone-"
"""Stands in the name of a folder that is being removed."""


@contextlib.contextmanager
def whole_folder(destination: Path) -> Iterator[Path]:
    """Give an empty folder beside `destination` that takes its name when the block ends well.

    A folder that is already there is replaced. After an error, or a kill, `destination` is as it was before; what
    a killed process left behind is removed by the next one that makes a folder of this name.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(destination)
    temporary = destination.parent / f".{destination.name}.{os.getpid()}.{secrets.token_hex(4)}.new"
    temporary.mkdir()
    try:
        yield temporary
        _take_place(temporary, destination)
    finally:
        remove_tree(temporary)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all it holds; one that is not there is no error.

    It loses its name first: cut off at any moment, nobody finds half of it under the name of the whole. What was cut
    off before goes too.
    """
    if not folder.is_dir() or folder.is_symlink():
        return
    gone = folder.with_name(f".{folder.name[:200]}{GONE}{secrets.token_hex(4)}")
    try:
        folder.rename(gone)
    except OSError:
        gone = folder
    shutil.rmtree(gone, ignore_errors=True)
    for left in folder.parent.glob(f".*{GONE}*"):
        shutil.rmtree(left, ignore_errors=True)


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, destination: Path) -> None:
    """Make `destination` the same file as `source` by a hard link, or a copy where links are not possible."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: readers see the old or the new text, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def list_files(root: Path, left_out: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """List the regular files below a folder as sorted relative paths with forward slashes.

    Links are left out, and so is all that stands in folders of the names `left_out`.
    """
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                found.append(path.relative_to(root).as_posix())
    return tuple(sorted(found))


def _take_place(temporary: Path, destination: Path) -> None:
    if destination.exists():
        old = temporary.with_suffix(".old")
        destination.rename(old)
        temporary.rename(destination)
        remove_tree(old)
    else:
        temporary.rename(destination)


def _remove_leftovers(destination: Path) -> None:
    for path in destination.parent.glob(f".{destination.name}.*"):
        owner = path.name.removeprefix(f".{destination.name}.").split(".")[0]
        if path.suffix in (".new", ".old") and owner.isdigit() and not _is_alive(int(owner)):
            remove_tree(path)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
