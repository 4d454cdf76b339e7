"""Pack the remote side: one archive, the same bytes for the same sources, named by its digest."""

import hashlib
import io
import zipfile
from pathlib import Path

import freehold

SHARED = (
    "core/__init__.py",
    "core/configuration.py",
    "core/errors.py",
    "core/inventory.py",
    "core/release.py",
    "core/trail.py",
    "kit/files.py",
    "kit/private.py",
    "kit/row_digest.py",
    "kit/unix_http.py",
    "releases/digests.py",
    "releases/placeholders.py",
    "targets/probe.py",
    "targets/records.py",
    "targets/traffic.py",
)
"""Modules of the standard library and each other only: tests/unit/test_server_program.py holds them to that."""
EMPTY = ("__init__.py", "kit/__init__.py", "releases/__init__.py", "targets/__init__.py", "targets/server/__init__.py")
START = b"""from freehold.releases.placeholders import render
from freehold.targets.server.remote.main import main

main(render)
"""
_LONG_AGO = (2020, 1, 1, 0, 0, 0)


def pack() -> bytes:
    """Give the archive."""
    root = Path(freehold.__file__).parent
    content = dict.fromkeys(EMPTY, b"")
    remote = root / "targets/server/remote"
    files = [root / name for name in SHARED] + sorted(remote.glob("*.py")) + sorted((remote / "texts").iterdir())
    content |= {file.relative_to(root).as_posix(): file.read_bytes() for file in files if file.is_file()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _LONG_AGO), START)
        for name in sorted(content):
            archive.writestr(zipfile.ZipInfo(f"freehold/{name}", _LONG_AGO), content[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def digest(archive: bytes) -> str:
    """Name an archive."""
    return hashlib.sha256(archive).hexdigest()
