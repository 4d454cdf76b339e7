"""The app's own Python server as a part of a release: its code, its packages, and how it is started.

Layout inside an artifact, beside `site`:

    server/server.json     what `server.settings` reads
    server/app             the server's folder of the app, without data and caches
    server/packages        what its requirements name, as wheels hold it
    server/serving         what calls it, from a lock file of Freehold's own
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.core.event import Event
from freehold.core.inventory import AppServer
from freehold.core.plan import Report
from freehold.core.release import Interpreter
from freehold.kit import files, pip, process
from freehold.releases import placeholders, requirements
from freehold.releases.server import FOLDER, MANIFEST

APP, PACKAGES, SERVING = "app", "packages", "serving"
SHOWN_ROOT = "/freehold/server"
"""Where the server sees its folder when it runs, and what its tracebacks name."""
BEFORE = ("manage.py", "migrate", "--noinput", "--fake-initial")
"""Tables that are there already under a first migration's names are taken: the app's SQL may have made them."""
LEFT_OUT = frozenset({"__pycache__", "node_modules", ".git", ".venv", "venv", ".pytest_cache", ".mypy_cache"})
_DATA = re.compile(r"\.(?:pyc|pyo|sqlite3?|db|sqlite3-journal|log)$|(?:^|/)\.env(?:\.[^/]*)?$|(?:^|/)\.freehold[^/]*$")
_NAME = re.compile(r"""["']([A-Z][A-Z0-9_]{2,})["']""")
_LINES_SHOWN = 6
_UNMET = re.compile(r"(?:satisfies the requirement|No matching distribution found for) (?P<name>[A-Za-z0-9][\w.-]*)")


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A server that is put together: `folder` becomes an artifact's `server`."""

    folder: Path
    server: AppServer
    notes: tuple[str, ...] = ()


def described(wanted: Interpreter) -> str:
    """What decides which wheels are taken, besides the app itself."""
    return f"{wanted} {pip.own()} {files.sha256(pip.shipped('serving'))}"


def stage(  # noqa: PLR0913 - where from, where to, and who is told, each by name
    server: AppServer, wanted: Interpreter, root: Path, folder: Path, *, cache: Path, log: Path, report: Report
) -> Staged:
    """Put the server of an app, whose scratch copy is `root`, together in `folder`. Raises BuildFailed."""
    report(Event(name="progress", text="Fetch the packages of the app's Python server"))
    asked = requirements.read(root / server.requirements, root)
    for note in asked.notes:
        report(Event(name="note", text=note))
    folder.mkdir(parents=True)
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(asked.lines) + "\n")
    (folder / PACKAGES).mkdir()
    ended = pip.install(listed, folder / PACKAGES, wanted, cache=cache / "pip", log=log)
    if not ended.ok:
        raise _not_installed(server, wanted, ended, log)
    ended = pip.install(pip.shipped("serving"), folder / SERVING, wanted, cache=cache / "pip", log=log)
    if not ended.ok:
        raise _not_installed(server, wanted, ended, log)
    listed.unlink()
    _leave_one_driver(folder)
    _copy(root / server.root, folder / APP)
    for part in (APP, PACKAGES, SERVING):
        pip.compile_folder(folder / part, f"{SHOWN_ROOT}/{part}", wanted)
    return Staged(folder=folder, server=server, notes=asked.notes)


def store(staged: Staged, parcel: Path) -> None:
    """Move what was staged into an artifact's folder, with its manifest."""
    target, server = parcel / FOLDER, staged.server
    staged.folder.rename(target)
    values = {
        "runtime": "python",
        "application": server.application,
        "settings_module": server.settings,
        "app": APP,
        "packages": PACKAGES,
        "serving": SERVING,
        "before": [list(BEFORE)],
        "paths": list(server.paths),
        "environment": {},
        "reads": sorted(_names(target / APP)),
    }
    (target / MANIFEST).write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def _leave_one_driver(folder: Path) -> None:
    """Where the app brings a way to PostgreSQL, ours is not needed beside it."""
    if any((folder / PACKAGES / name).is_dir() for name in ("psycopg2", "psycopg")):
        for path in (folder / SERVING).glob("psycopg2*"):
            files.remove_tree(path)


def _copy(source: Path, target: Path) -> None:
    names = files.list_files(source, LEFT_OUT)
    environments = tuple(name.removesuffix("pyvenv.cfg") for name in names if name.endswith("/pyvenv.cfg"))
    for name in names:
        path = source / name
        if (
            not name.startswith(environments)
            and not _DATA.search(name)
            and path.resolve().is_relative_to(source.resolve())
        ):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


def _names(folder: Path) -> Iterator[str]:
    """Texts in code that may be names of the environment."""
    found: set[str] = set()
    for name in files.list_files(folder):
        content = (folder / name).read_bytes() if name.endswith(".py") else b""
        if placeholders.is_text(content):
            found.update(_NAME.findall(content.decode()))
    yield from found


def _not_installed(server: AppServer, wanted: Interpreter, ended: process.Ended, log: Path) -> BuildFailed:
    named = next((match["name"] for line in ended.lines if (match := _UNMET.search(line))), "")
    what = f"the package {named} that {server.requirements} asks for" if named else f"what {server.requirements} names"
    said = [line for line in ended.lines if not line.startswith("WARNING: Location")]
    detail = "it took too long" if ended.timed_out else "\n".join(said[-_LINES_SHOWN:])
    return BuildFailed(
        f"{what} cannot be had as a wheel for Python {wanted.version}",
        detail=f"{detail}\nthe whole log: {log}",
        hint=f"name a version there that has one for Python {wanted.version}, or run Freehold with the app's Python;"
        " if the package index did not answer: pip config list",
    )
