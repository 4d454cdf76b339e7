"""Folders named by the digest of what they hold, written whole or not at all."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from freehold.kit import files


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A stored folder: `directory` is <destination>/<digest>."""

    digest: str
    """SHA-256 of the canonical file list, in hex."""
    directory: Path


def digest_of(folder: Path) -> str:
    """Hash the canonical file list: one JSON line a file with path, mode, size and SHA-256, in path order."""
    total = hashlib.sha256()
    for name in files.list_files(folder):
        path = folder / name
        state = path.stat()
        mode = "755" if state.st_mode & 0o100 else "644"
        total.update(json.dumps([name, mode, state.st_size, files.sha256(path)]).encode() + b"\n")
    return total.hexdigest()


def store(folder: Path, destination: Path) -> Artifact:
    """Move a finished folder to <destination>/<digest>; an equal one that is there and whole is kept.

    Files become read-only: what is served links to them. Both folders have to be on one file system. Others may store
    an equal one at the same time.
    """
    digest = digest_of(folder)
    directory = destination / digest
    if directory.is_dir():
        if digest_of(directory) == digest:
            files.remove_tree(folder)
            return Artifact(digest=digest, directory=directory)
        files.remove_tree(directory)
    for name in files.list_files(folder):
        path = folder / name
        path.chmod(0o555 if path.stat().st_mode & 0o100 else 0o444)
    destination.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(directory)
    except OSError:
        if not directory.is_dir() or digest_of(directory) != digest:
            raise
        files.remove_tree(folder)
    return Artifact(digest=digest, directory=directory)
