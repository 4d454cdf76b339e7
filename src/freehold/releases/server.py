"""The app's own server as a build leaves it: what of it belongs to the release, and how it is started.

Layout inside an artifact, beside `site`:

    server/server.json     what `settings` reads: entry, baked values, the names that its code has
    server/...             the program with the packages that it loads
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.kit import files, process, programs
from freehold.releases import placeholders

FOLDER = "server"
MANIFEST = "server.json"
TRACE = Path(__file__).with_name("trace.mjs")
SERVE_FETCH = Path(__file__).with_name("serve_fetch.mjs")
OWN_ENTRY = "freehold-server.mjs"
TRACE_TIMEOUT_SECONDS = 600
_CODE = (".js", ".mjs", ".cjs")
_NAME = r"[A-Za-z_][A-Za-z0-9_]{2,}"
_READ = re.compile(rf"""\benv\??\.({_NAME})|["'`]([A-Z][A-Z0-9_]{{2,}})["'`]|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b""")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A built server: the folder that holds it, and its entry relative to that."""

    folder: Path
    entry: str


def settings(folder: Path) -> dict[str, object]:
    """Give a rendered server as the runtime's ServerSettings in JSON."""
    values: dict[str, object] = json.loads((folder / MANIFEST).read_text())
    return values | {"directory": str(folder.resolve())}


def runtime(folder: Path) -> str:
    """Name what a built server runs in besides Node: python, or "" for Node or where there is none."""
    manifest = folder / MANIFEST
    values = json.loads(manifest.read_text()) if manifest.is_file() else {}
    return str(values.get("runtime", "")) if isinstance(values, dict) else ""


def store(program: Program, parcel: Path, baked: Mapping[str, str]) -> None:
    """Move a built server into an artifact's folder; links inside it become the files that they lead to."""
    target = parcel / FOLDER
    for path in program.folder.rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()
    shutil.copytree(program.folder, target, symlinks=False)
    _lift_packages(target)
    names = files.list_files(target)
    values = {
        "entry": program.entry,
        "environment": dict(baked),
        "reads": sorted(_names(target, names)),
        "addons": any(name.endswith(".node") for name in names),
    }
    (target / MANIFEST).write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def _lift_packages(target: Path) -> None:
    """Put what pnpm keeps beside each package where Node looks without links; what stands there already stays."""
    for kept in sorted(target.rglob("node_modules/.pnpm")):
        for package in sorted(kept.glob("*/node_modules/*")):
            scoped = package.name.startswith("@")
            for found in sorted(package.iterdir()) if scoped else (package,):
                place = kept.parent / found.relative_to(package.parent)
                if not place.exists():
                    place.parent.mkdir(exist_ok=True)
                    found.rename(place)


def with_packages(folder: Path, module: str, *, environment: Mapping[str, str], log: Path) -> Program:
    """Put a module that answers Requests into a folder of its own, with all that it loads and a server in front.

    `folder` is the front end in its scratch copy, `module` is relative to it. Raises BuildFailed.
    """
    target = folder / ".freehold-server"
    files.remove_tree(target)
    for name in _traced(folder, module, environment, log):
        source = folder / name
        if source.is_file() and source.resolve().is_relative_to(folder.resolve()):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
    shutil.copytree(folder / Path(module).parent, target / Path(module).parent, dirs_exist_ok=True)
    text = SERVE_FETCH.read_text().replace("FREEHOLD_MODULE", f"./{module}")
    (target / OWN_ENTRY).write_text(text)
    return Program(folder=target, entry=OWN_ENTRY)


def _traced(folder: Path, module: str, environment: Mapping[str, str], log: Path) -> list[str]:
    node = programs.node()
    lines: list[str] = []
    ended = process.run(
        [str(node.node), str(TRACE), str(programs.nft()), str(folder.resolve()), str((folder / module).resolve())],
        environment=environment,
        folder=folder,
        timeout_seconds=TRACE_TIMEOUT_SECONDS,
        log=log,
        on_line=lines.append,
    )
    found = [line.removeprefix("= ") for line in lines if line.startswith("= ")]
    if not ended.ok or not found:
        raise BuildFailed(
            "the packages that the app's server loads could not be listed",
            detail="\n".join(ended.lines[-5:]) + f"\nthe whole log: {log}",
            hint="run the same command again; if it fails again, the log says which file cannot be read",
        )
    return found


def _names(folder: Path, names: tuple[str, ...]) -> set[str]:
    """Names that may be read from the environment: after `env.`, as a text, or as a word in capitals."""
    found: set[str] = set()
    for name in names:
        if name.endswith(_CODE):
            content = (folder / name).read_bytes()
            if placeholders.is_text(content):
                found.update(next(filter(None, match), "") for match in _READ.findall(content.decode()))
    return found
