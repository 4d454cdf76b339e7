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

from freehold.core.event import Event
from freehold.core.inventory import AppServer
from freehold.core.plan import Report
from freehold.core.release import Interpreter
from freehold.kit import files, pip
from freehold.releases import placeholders, python_packages, requirements
from freehold.releases.python_packages import PACKAGES, SERVING, SHOWN_ROOT
from freehold.releases.server import FOLDER, MANIFEST

APP = "app"
BEFORE = ("manage.py", "migrate", "--noinput", "--fake-initial")
"""Tables that are there already under a first migration's names are taken: the app's SQL may have made them."""
LEFT_OUT = frozenset({"__pycache__", "node_modules", ".git", ".venv", "venv", ".pytest_cache", ".mypy_cache"})
_DATA = re.compile(r"\.(?:pyc|pyo|sqlite3?|db|sqlite3-journal|log)$|(?:^|/)\.env(?:\.[^/]*)?$|(?:^|/)\.freehold[^/]*$")
_NAME = re.compile(r"""["']([A-Z][A-Z0-9_]{2,})["']""")


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A server that is put together: `folder` becomes an artifact's `server`."""

    folder: Path
    server: AppServer
    notes: tuple[str, ...] = ()


def stage(  # noqa: PLR0913 - where from, where to, and who is told, each by name
    server: AppServer, wanted: Interpreter, root: Path, folder: Path, *, cache: Path, log: Path, report: Report
) -> Staged:
    """Put the server of an app, whose scratch copy is `root`, together in `folder`. Raises BuildFailed."""
    report(Event(name="progress", text="Fetch the packages of the app's Python server"))
    asked = requirements.read(root / server.requirements, root)
    for note in asked.notes:
        report(Event(name="note", text=note))
    fetched = python_packages.fetch(asked, server.requirements, wanted, cache, log)
    for name in files.list_files(fetched):
        files.link_or_copy(fetched / name, folder / name)
    _copy(root / server.root, folder / APP)
    pip.compile_folder(folder / APP, f"{SHOWN_ROOT}/{APP}", wanted)
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


def code(source: Path) -> tuple[str, ...]:
    """The files of a server's folder that belong to a release: no data, no virtual environment, no link leading out."""
    names = files.list_files(source, LEFT_OUT)
    environments = tuple(name.removesuffix("pyvenv.cfg") for name in names if name.endswith("/pyvenv.cfg"))
    root = source.resolve()
    return tuple(
        name
        for name in names
        if not name.startswith(environments)
        and not _DATA.search(name)
        and (source / name).resolve().is_relative_to(root)
    )


def _copy(source: Path, target: Path) -> None:
    for name in code(source):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def _names(folder: Path) -> Iterator[str]:
    """Texts in code that may be names of the environment; packages ask for the database's address by themselves."""
    found = {"DATABASE_URL"}
    for name in files.list_files(folder):
        content = (folder / name).read_bytes() if name.endswith(".py") else b""
        if placeholders.is_text(content):
            found.update(_NAME.findall(content.decode()))
    yield from found
