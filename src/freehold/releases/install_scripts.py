"""Scripts that packages want to run when they are installed: only those of known packages, or named by the app, are.

A package's install script is the usual way in for an attack on a chain of suppliers. Nearly all packages work without
theirs; those that compile or place their native part are known by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.kit import json_text, process
from freehold.releases import words
from freehold.releases.toolchain import Toolchain

TIMEOUT_SECONDS = 900
KNOWN = frozenset(
    {
        *("esbuild", "@swc/core", "@tailwindcss/oxide", "@parcel/watcher", "lightningcss", "unrs-resolver", "workerd"),
        *("sharp", "canvas", "better-sqlite3", "sqlite3", "bcrypt", "argon2", "bufferutil", "utf-8-validate"),
        *("@prisma/client", "@prisma/engines", "prisma"),
    }
)
"""Packages that make or choose their native part, or generate code from the app's own files."""
_SCRIPTS = ("preinstall", "install", "postinstall")
_WORKSPACE_LIST = re.compile(r"^onlyBuiltDependencies:\s*\n((?:\s*-\s*.+\n?)+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Install:
    """Where packages were installed, and with what."""

    folder: Path
    """The front end in its scratch copy."""
    tools: Toolchain
    npm: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path


def run(install: Install, report: Report) -> tuple[str, ...]:
    """Run the scripts of allowed packages, then the app's own; gives the notes that were printed.

    A script that fails stops nothing: the build says whether it was needed.
    """
    wanted = {name for name, _ in found(install.folder / "node_modules")}
    allowed = sorted(wanted & (KNOWN | named(install.folder)))
    notes = []
    failed = [name for name in allowed if not _rebuild(install, name, report)]
    if failed:
        notes.append(f"an install script of {', '.join(failed)} failed: installed without it")
    left = sorted(wanted - {*allowed})
    if left:
        notes.append(
            f"install scripts that were not run: {', '.join(left)}. Only known packages run theirs; "
            'a name in "trustedDependencies" of package.json allows one more'
        )
    if not _own(install, report):
        notes.append("the app's own postinstall script failed")
    for note in notes:
        report(Event(name="warning" if "failed" in note else "note", text=note[0].upper() + note[1:]))
    return tuple(notes)


def found(modules: Path) -> Iterator[tuple[str, Path]]:
    """Give name and folder of each installed package that has an install script, or code to compile."""
    for folder in _packages(modules):
        try:
            values = json_text.read((folder / "package.json").read_text(encoding="utf-8-sig"))
            scripts = values.get("scripts") or {}
            name = str(values["name"])
        except (OSError, ValueError, KeyError, AttributeError):
            continue
        if any(script in scripts for script in _SCRIPTS) or (folder / "binding.gyp").is_file():
            yield name, folder


def named(folder: Path) -> frozenset[str]:
    """Give the packages that the app itself allows: bun's trustedDependencies, pnpm's onlyBuiltDependencies."""
    try:
        values = json_text.read((folder / "package.json").read_text(encoding="utf-8-sig"))
        listed = [
            *(values.get("trustedDependencies") or ()),
            *((values.get("pnpm") or {}).get("onlyBuiltDependencies") or ()),
        ]
    except (OSError, ValueError, AttributeError, TypeError):
        return frozenset()
    workspace = folder / "pnpm-workspace.yaml"
    match = _WORKSPACE_LIST.search(workspace.read_text(errors="replace") + "\n") if workspace.is_file() else None
    lines = match[1].splitlines() if match else []
    return frozenset([*map(str, listed), *(line.strip(" -'\"") for line in lines)])


def _packages(modules: Path) -> Iterator[Path]:
    if not modules.is_dir():
        return
    for entry in sorted(modules.iterdir()):
        if entry.name == ".pnpm":
            for store in sorted(entry.iterdir()):
                yield from _packages(store / "node_modules")
        elif entry.name.startswith("@"):
            yield from (item for item in _packages_of_scope(entry))
        elif not entry.name.startswith(".") and entry.is_dir() and not entry.is_symlink():
            yield entry
            yield from _packages(entry / "node_modules")


def _packages_of_scope(scope: Path) -> Iterator[Path]:
    for entry in sorted(scope.iterdir()) if scope.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            yield entry
            yield from _packages(entry / "node_modules")


def _rebuild(install: Install, name: str, report: Report) -> bool:
    """Run them as npm does, which works on every layout but pnpm's."""
    command = install.tools.command if install.tools.manager == "pnpm" else install.npm
    report(Event(name="progress", text=f"Run the install script of {name}"))
    return _ok(install, (*command, "rebuild", name), report)


def _own(install: Install, report: Report) -> bool:
    try:
        values = json_text.read((install.folder / "package.json").read_text(encoding="utf-8-sig"))
        has = "postinstall" in (values.get("scripts") or {})
    except (OSError, ValueError, AttributeError):
        return True
    return not has or _ok(install, (*install.tools.command, "run", "postinstall"), report)


def _ok(install: Install, argv: tuple[str, ...], report: Report) -> bool:
    return process.run(
        argv,
        environment={**install.environment, "npm_config_ignore_scripts": "false"},
        timeout_seconds=TIMEOUT_SECONDS,
        folder=install.folder,
        log=install.log,
        on_line=lambda line: words.pass_on(line, report),
    ).ok
