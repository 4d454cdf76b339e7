"""Install what an app's build needs, as its lock file says, and keep it for the next build."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.kit import files, process, programs
from freehold.releases import install_scripts, words
from freehold.releases.toolchain import Toolchain

TIMEOUT_SECONDS = 1800
ENTRY_LIMIT = 6
INSTALL_REVISION = 2
"""Counted up when the same packages would be installed in another way."""
_OWN_SCRIPTS = re.compile(r'"(?:pre|post)?(?:install|prepare)"\s*:')
_STALE = re.compile(
    r"in sync|EUSAGE|lockfile had changes|frozen.lockfile|OUTDATED_LOCKFILE|LOCKFILE_CONFIG|YN0028|needs to be updated"
    r"|Failed to resolve|Unsupported lockfile|lockfile version|InvalidLockfile|Outdated lockfile",
    re.IGNORECASE,
)
_GONE = re.compile(r"\bE404\b|\bETARGET\b|No matching version", re.IGNORECASE)
"""npm's words for a version in the lock file that its registry no longer has."""
_PEERS = re.compile(r"ERESOLVE|peer dep", re.IGNORECASE)


@dataclass(frozen=True)
class Attempt:
    """One way to install, and what is said when it is taken after another failed."""

    arguments: tuple[str, ...]
    note: str = ""


_STALE_NOTE = "the lock file does not fit package.json: versions were chosen anew within the ranges of package.json"
_GONE_NOTE = (
    "the registry no longer has a version of the lock file: versions were chosen anew within package.json's ranges"
)
_WITHOUT_LOCK = "--no-package-lock"
_PEER_NOTE = "packages disagree about the versions they work with: installed as the builder does, without that check"
_QUIET = "--ignore-scripts"
"""Which install scripts are run is decided afterwards: see install_scripts."""
_NPM = ("--no-audit", "--no-fund", "--include=dev", "--no-update-notifier", _QUIET)
_ATTEMPTS = {
    "npm": (
        Attempt(("ci", *_NPM)),
        Attempt(("ci", "--legacy-peer-deps", *_NPM), _PEER_NOTE),
        Attempt(("install", *_NPM), _STALE_NOTE),
        Attempt(("install", "--legacy-peer-deps", *_NPM), f"{_STALE_NOTE}; {_PEER_NOTE}"),
        Attempt(("install", "--legacy-peer-deps", _WITHOUT_LOCK, *_NPM), f"{_GONE_NOTE}; {_PEER_NOTE}"),
    ),
    "bun": (Attempt(("install", _QUIET, "--frozen-lockfile")), Attempt(("install", _QUIET), _STALE_NOTE)),
    "pnpm": (
        Attempt(("install", _QUIET, "--frozen-lockfile")),
        Attempt(("install", _QUIET, "--no-frozen-lockfile"), _STALE_NOTE),
    ),
    "yarn": (
        Attempt(("install", _QUIET, "--frozen-lockfile", "--non-interactive")),
        Attempt(("install", _QUIET, "--non-interactive"), _STALE_NOTE),
    ),
}
_NO_LOCK = "there is no lock file: versions were chosen within the ranges of package.json, and may differ next time"


def attempts(manager: str, *, has_lock: bool) -> tuple[Attempt, ...]:
    """Give the ways to install in the order in which they are tried."""
    ways = _ATTEMPTS[manager]
    if has_lock:
        return ways
    loose = [
        way.arguments
        for way in ways
        if way.arguments[0] == "install" and not {"--frozen-lockfile", _WITHOUT_LOCK} & {*way.arguments}
    ]
    notes = [_NO_LOCK, f"{_NO_LOCK}; {_PEER_NOTE}"]
    return tuple(Attempt(arguments, note) for arguments, note in zip(loose, notes, strict=False))


@dataclass(frozen=True)
class Told:
    """The notes of one installation."""

    chosen: tuple[str, ...] = ()
    """What was not installed as the lock file says."""
    scripts: tuple[str, ...] = ()
    """About scripts that were not run, or failed."""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """What one build needs installed."""

    folder: Path
    """The front end in the scratch folder."""
    tools: Toolchain
    npm: tuple[str, ...]
    """How npm is started, whichever manager the app uses."""
    has_lock: bool
    kept: Path
    """Where node_modules of the same packages are kept between builds."""


def packages(folder: Path, tools: Toolchain, lock: Path | None, cache: Path) -> Packages:
    """Look at what is to be installed; before it is, because installing may write to the lock file."""
    named = [lock] if lock is not None else []
    inputs = (
        folder / "package.json",
        *named,
        folder / ".npmrc",
        folder / "bunfig.toml",
        folder / "pnpm-workspace.yaml",
    )
    parts = [
        str(INSTALL_REVISION),
        tools.described,
        *(path.read_bytes().hex() if path.is_file() else "" for path in inputs),
    ]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    npm = programs.node().npm
    return Packages(folder=folder, tools=tools, npm=npm, has_lock=lock is not None, kept=cache / "modules" / name)


def install(wanted: Packages, *, environment: Mapping[str, str], log: Path, report: Report) -> "Told":
    """Make node_modules; gives the notes that were printed. Raises BuildFailed.

    Those of an earlier build are taken over when lock file, package.json and tools are the same.
    """
    modules = wanted.kept / "node_modules"
    if modules.is_dir():
        report(Event(name="progress", text="The packages of the last build fit"))
        modules.rename(wanted.folder / "node_modules")
        return Told()
    manager = wanted.tools.manager
    report(Event(name="progress", text=f"Install packages with {manager}"))
    left = list(attempts(manager, has_lock=wanted.has_lock))
    while True:
        way = left.pop(0)
        start = log.stat().st_size if log.exists() else 0
        ended = process.run(
            (*wanted.tools.command, *way.arguments),
            environment=environment,
            timeout_seconds=TIMEOUT_SECONDS,
            folder=wanted.folder,
            log=log,
            on_line=lambda line: words.pass_on(line, report),
        )
        if ended.ok:
            scripts = install_scripts.Install(
                folder=wanted.folder, tools=wanted.tools, npm=wanted.npm, environment=environment, log=log
            )
            return Told(_told(way, report), install_scripts.run(scripts, report))
        left = [] if ended.timed_out else following(left, _tail(log, start))
        if not left:
            raise _failed(ended, manager, log)


def keep(used: Packages) -> None:
    """Put node_modules away for the next build; an app whose own scripts run at install gets them anew each time."""
    modules = used.folder / "node_modules"
    text = (used.folder / "package.json").read_text(encoding="utf-8", errors="replace")
    if not modules.is_dir() or _OWN_SCRIPTS.search(text) or (used.kept / "node_modules").exists():
        return
    files.remove_tree(modules / ".vite")
    files.remove_tree(modules / ".cache")
    used.kept.mkdir(parents=True, exist_ok=True)
    modules.rename(used.kept / "node_modules")
    used.kept.touch()
    _prune(used.kept.parent)


def _told(way: Attempt, report: Report) -> tuple[str, ...]:
    if not way.note:
        return ()
    report(Event(name="warning", text=way.note[0].upper() + way.note[1:]))
    return (way.note,)


def following(left: list[Attempt], text: str) -> list[Attempt]:
    """Keep the ways that answer the reason of the failure: another reason (no network) fails the same way again."""
    without_lock = [other for other in left if _WITHOUT_LOCK in other.arguments]
    if _GONE.search(text):
        return without_lock
    if _PEERS.search(text) and any("--legacy-peer-deps" in other.arguments for other in left):
        return [other for other in left if "--legacy-peer-deps" in other.arguments]
    if _STALE.search(text):
        return [other for other in left if other.arguments[0] == "install"]
    return []


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


def _failed(ended: process.Ended, manager: str, log: Path) -> BuildFailed:
    reason = f"it took more than {TIMEOUT_SECONDS // 60} minutes" if ended.timed_out else words.relevant(ended.lines)
    return BuildFailed(
        f"{manager} could not install the app's packages",
        detail=f"{reason}\nthe whole log: {log}",
        hint="check the network and the registry, then run the same command again",
    )


def _prune(modules: Path) -> None:
    entries = sorted(modules.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for entry in entries[ENTRY_LIMIT:]:
        files.remove_tree(entry)
