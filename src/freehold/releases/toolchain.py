"""Node and the package manager that an app's lock file asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.core.inventory import Frontend
from freehold.kit import process, programs

_TIMEOUT_SECONDS = 60
_OTHERS: dict[str, Callable[[], Path]] = {"bun": programs.bun, "pnpm": programs.pnpm, "yarn": programs.yarn}


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What builds an app."""

    manager: str
    command: tuple[str, ...]
    """How the package manager is started."""
    path: str
    """PATH of the build: the programs above come first."""
    described: str
    """Names and versions: part of what a build depends on."""
    note: str = ""
    """Said when another manager than the lock file's has to do."""


def choose(frontend: Frontend, environment: Mapping[str, str]) -> Toolchain:
    """Find the programs. A manager that cannot be had gives way to npm, with a note. Raises ProgramMissing."""
    node = programs.node()
    manager, command, note = _manager(frontend.package_manager, node)
    folders = () if manager == "npm" else (Path(command[0]).parent,)
    path = node.search_path(*folders)
    said = {**environment, "PATH": path}
    described = f"node {_version((str(node.node),), said)}, {manager} {_version(command, said)}"
    return Toolchain(manager=manager, command=command, path=path, described=described, note=note)


def _manager(wanted: str, node: programs.Node) -> tuple[str, tuple[str, ...], str]:
    if wanted == "npm":
        return "npm", node.npm, ""
    find = _OTHERS.get(wanted)
    try:
        if find is not None:
            return wanted, (str(find()),), ""
        reason = f"Freehold does not run {wanted}"
    except ProgramMissing as error:
        reason = error.message
    return "npm", node.npm, f"{reason}: npm installs the packages instead, within the ranges of package.json"


def _version(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    ended = process.run((*command, "--version"), environment=environment, timeout_seconds=_TIMEOUT_SECONDS)
    return ended.lines[-1].strip() if ended.ok and ended.lines else "unknown"
