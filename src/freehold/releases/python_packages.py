"""The packages of an app's Python server, fetched and compiled once a day for what the app asks for."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.core.release import Interpreter
from freehold.kit import files, pip, process
from freehold.releases.requirements import Requirements

PACKAGES, SERVING = "packages", "serving"
SHOWN_ROOT = "/freehold/server"
"""Where the server sees its folder when it runs, and what its tracebacks name."""
REVISION = 2
"""Counted up when the same requirements would give other folders."""
FRESH_SECONDS = 24 * 3600
"""What a file leaves open, such as the packages of its packages, may have a newer version the next day."""
KEPT = 3
SOURCES_ALONE = frozenset({".po", ".pot", ".pyi"})
"""What only those read who translate a package, or check types: of Django's files every fourth."""
_LINES_SHOWN = 6
_LONGEST_LINE = 240
_UNREACHABLE = re.compile(r"connection broken by|Max retries exceeded|Read timed out|Temporary failure in name")
_UNMET = re.compile(r"(?:satisfies the requirement|No matching distribution found for) (?P<name>[A-Za-z0-9][\w.-]*)")


def described(wanted: Interpreter) -> str:
    """What decides which wheels are taken, besides the app itself."""
    return f"{REVISION} {wanted} {pip.own()} {files.sha256(pip.shipped('serving'))}"


def fetch(asked: Requirements, named: str, wanted: Interpreter, cache: Path, log: Path) -> Path:
    """Give a folder with `packages` and `serving`, both compiled where `wanted` is of our version.

    `named` is the requirements file, for words. Whoever calls this holds the build's lock. Raises BuildFailed.
    """
    key = hashlib.sha256(json.dumps([described(wanted), asked.lines]).encode()).hexdigest()[:32]
    kept = cache / "python"
    folder = kept / key
    if not folder.is_dir() or time.time() - folder.stat().st_mtime > FRESH_SECONDS:
        with files.whole_folder(folder) as new:
            _fill(new, asked, named, wanted, cache / "pip", log)
        for old in sorted(_folders(kept), key=lambda item: item.stat().st_mtime)[:-KEPT]:
            files.remove_tree(old)
    return folder


def _folders(kept: Path) -> Iterator[Path]:
    return (item for item in kept.iterdir() if item.is_dir() and not item.name.startswith("."))


def _fill(folder: Path, asked: Requirements, named: str, wanted: Interpreter, cache: Path, log: Path) -> None:  # noqa: PLR0913, PLR0917
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(asked.lines) + "\n")
    (folder / PACKAGES).mkdir()
    for requirements, part in ((listed, PACKAGES), (pip.shipped("serving"), SERVING)):
        ended = pip.install(requirements, folder / part, wanted, cache=cache, log=log)
        if not ended.ok:
            raise _not_installed(named, wanted, ended, log)
    listed.unlink()
    _leave_one_driver(folder)
    for name in files.list_files(folder):
        if Path(name).suffix in SOURCES_ALONE:
            (folder / name).unlink()
    for part in (PACKAGES, SERVING):
        pip.compile_folder(folder / part, f"{SHOWN_ROOT}/{part}", wanted)


def _leave_one_driver(folder: Path) -> None:
    """Where the app brings a way to PostgreSQL, ours is not needed beside it."""
    if any((folder / PACKAGES / name).is_dir() for name in ("psycopg2", "psycopg")):
        for path in (folder / SERVING).glob("psycopg2*"):
            files.remove_tree(path)


def _not_installed(named: str, wanted: Interpreter, ended: process.Ended, log: Path) -> BuildFailed:
    said = [_shortened(line) for line in ended.lines if not line.startswith(("WARNING: Location", "WARNING: Retrying"))]
    detail = "it took too long" if ended.timed_out else "\n".join(said[-_LINES_SHOWN:])
    detail = f"{detail}\nthe whole log: {log}".strip()
    if any(_UNREACHABLE.search(line) for line in ended.lines):
        return BuildFailed(
            f"the package index does not answer, which {named} needs",
            detail=detail,
            hint="check the network and the proxy, and where pip looks: pip config list",
        )
    package = next((match["name"] for line in ended.lines if (match := _UNMET.search(line))), "")
    what = f"the package {package} that {named} asks for" if package else f"what {named} names"
    return BuildFailed(
        f"{what} cannot be had as a wheel for Python {wanted.version}",
        detail=detail,
        hint=f"name a version there that has one for Python {wanted.version}, or run Freehold with the app's Python",
    )


def _shortened(line: str) -> str:
    plain = line.removeprefix("ERROR: ")
    return plain if len(plain) <= _LONGEST_LINE else f"{plain[: _LONGEST_LINE - 3]}..."
