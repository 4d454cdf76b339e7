"""The packages that a requirements file names, as far as they come from the package index as wheels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.kit import toml

INSTEAD = {"psycopg2": "psycopg2-binary", "psycopg": "psycopg[binary]"}
"""Packages that have to be compiled, or need what is compiled, and the same ones as wheels that hold all."""
UNNEEDED = {
    "mysqlclient": "the database is PostgreSQL here",
    "cx-oracle": "the database is PostgreSQL here",
    "uwsgi": "Freehold calls the application itself",
    "mod-wsgi": "Freehold calls the application itself",
    "pywin32": "it is for Windows alone",
    "pywinpty": "it is for Windows alone",
}
"""Packages without wheels for Linux that an app does not miss here, and why."""
PROJECT = "pyproject.toml"
_DEPTH = 5
_COMMENT = re.compile(r"(^|\s+)#.*$")
_VERSION = r"(?:===|[<>=!~]=|[<>])\s*[\w.*+!-]+"
_PACKAGE = re.compile(
    rf"(?P<name>[A-Za-z0-9](?:[\w.-]*\w)?)\s*(?P<rest>(?:\[[\w\s,.-]*\])?\s*\(?(?:{_VERSION}(?:\s*,\s*{_VERSION})*,?)?\)?"
    r"\s*(?:;[^-].*?)?)(?P<hashes>(?:\s+--hash=sha\d+:[0-9a-f]+)*)"
)
_INCLUDED = re.compile(r"(-r|-c|--requirement|--constraint)[\s=]*(?P<path>\S+)")


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """`lines` are what an installer gets; `notes` say what of the file was not taken as it stands."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read(path: Path, root: Path) -> Requirements:
    """Read a file and those that it includes, which have to stand below `root`.

    Options are left out: where packages come from is the owner's choice, not the app's. Raises BuildFailed for what is
    no package of an index: a folder, an address, a repository.
    """
    lines: list[str] = []
    notes: list[str] = []
    for name, line in _lines(path, root, _DEPTH):
        if line.startswith("-") and not line.startswith(("-e", "--editable")):
            notes.append(f"{name}: {line.split()[0].partition('=')[0]} is left out")
            continue
        match = _PACKAGE.fullmatch(line)
        if match is None:
            raise BuildFailed(
                f"{name} asks for {_shown(line)}, which is no package of a package index",
                detail="Freehold takes wheels of the package index alone: it runs nothing of a package to build it",
                hint="name a published package and its version there",
            )
        plain = re.sub(r"[-_.]+", "-", match["name"].lower())
        if plain in UNNEEDED:
            notes.append(f"{name}: {match['name']} is left out: {UNNEEDED[plain]}")
            continue
        other = INSTEAD.get(plain, "") if not match["hashes"] and "[" not in match["rest"] else ""
        if other:
            notes.append(f"{name}: {other} is taken for {match['name']}, which would have to be compiled")
        hashes = "".join(f" {digest}" for digest in match["hashes"].split())
        lines.append(f"{other or match['name']}{match['rest'].strip()}{hashes}")
    return Requirements(lines=tuple(lines), notes=tuple(notes))


def _lines(path: Path, root: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Give each line with its file's name, comments gone and broken lines joined."""
    if depth < 0 or not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        raise BuildFailed(f"{path.name}, which requirements are read from, is not there or leads out of the app")
    if path.name == PROJECT:
        yield from ((path.name, item.strip()) for item in _dependencies(path))
        return
    text = path.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ")
    for line in text.splitlines():
        plain = _COMMENT.sub("", line).strip()
        included = _INCLUDED.fullmatch(plain)
        if included is not None:
            yield from _lines(path.parent / included["path"], root, depth - 1)
        elif plain:
            yield path.name, plain


def _dependencies(path: Path) -> list[str]:
    project = toml.read(path).get("project")
    listed = project.get("dependencies") if isinstance(project, dict) else None
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []


def _shown(line: str) -> str:
    """A line without what somebody may have put into an address to get in."""
    plain = re.sub(r"//[^/\s@]*@", "//", line)
    return plain if len(plain) <= 80 else f"{plain[:77]}..."  # noqa: PLR2004 - what fits a line
