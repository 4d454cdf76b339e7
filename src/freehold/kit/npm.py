"""Install packages from npm exactly as a lock file says, without running any script of theirs."""

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.kit import files, process

INSTALL_TIMEOUT_SECONDS = 900
LINES_SHOWN = 8
_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
_IMPATIENTLY = ("--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=5000")


def lock_digest(tool: str) -> str:
    """Eight hex digits that change whenever one of a tool's shipped lock files does."""
    locks = sorted(item.name for item in _folder(tool).iterdir() if item.name.endswith(".json"))
    return hashlib.sha256(b"".join(_shipped(tool, name) for name in locks)).hexdigest()[:8]


def install(tool: str, destination: Path, npm: tuple[str, ...], search_path: str) -> Path:
    """Install the packages of kit/tools/`tool` into `destination`; gives its node_modules.

    npm compares every package with the lock file's SHA-512. Raises ProgramMissing with what npm said.
    """
    for name in ("package.json", "package-lock.json"):
        (destination / name).write_bytes(_shipped(tool, name))
    home = destination / ".home"  # in there, so that it goes with the rest when we are killed
    home.mkdir()
    ended = process.run(
        [*npm, "ci", *_QUIETLY, *_IMPATIENTLY],
        environment=process.build_environment(home) | {"PATH": search_path},
        folder=destination,
        timeout_seconds=INSTALL_TIMEOUT_SECONDS,
    )
    files.remove_tree(home)
    if not ended.ok:
        raise ProgramMissing(
            f"{tool} cannot be installed from npm",
            detail="npm took too long" if ended.timed_out else "\n".join(ended.lines[:LINES_SHOWN]),
            hint="check the network and the proxy, or set npm_config_registry to a registry you can reach",
        )
    return destination / "node_modules"


def _shipped(tool: str, name: str) -> bytes:
    return _folder(tool).joinpath(name).read_bytes()


def _folder(tool: str) -> Traversable:
    return resources.files("freehold.kit.tools").joinpath(tool)
