"""Files that only their owner may read: mode 0600 from the first byte, on disk before they have their name."""

import os
import secrets
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path` by rename: a reader sees the old file or the new one, never a part."""
    temporary = _temporary(path, content)
    temporary.rename(path)


def create(path: Path, content: bytes) -> bool:
    """Write `content` to `path` unless it exists; say whether this call made it. Safe with two callers at once."""
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink()  # a full disk is not to keep halves
        raise
    return temporary
