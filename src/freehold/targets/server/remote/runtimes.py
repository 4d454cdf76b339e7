"""Runtimes: Freehold itself, beside the wheels that it needs. Several lie side by side, and no registry is asked."""

import compileall
import json
import re
import shutil
import zipfile
from pathlib import Path

from freehold.core.errors import BadUsage
from freehold.kit import files
from freehold.targets.server.remote import blobs, disk
from freehold.targets.server.remote.places import RUNTIMES, SRV, WHEELS

_NAME = re.compile(r"[0-9a-z][0-9a-z.+-]{3,79}")


def names() -> list[str]:
    """Ids of the runtimes that are here."""
    return sorted(item.name for item in _whole(RUNTIMES))


def unpack_wheels(wheels_id: str, wheels: list[str]) -> None:
    """Unpack uploaded wheels, by SHA-256, whole or not at all."""
    destination = WHEELS / _checked(wheels_id)
    if destination.is_dir():
        return
    disk.folder(WHEELS, 0o755)
    with files.whole_folder(destination) as folder:
        (folder / "lib").mkdir()
        for wheel in wheels:
            _unpack(blobs.path_of(wheel), folder)
        (folder / "wheels.json").write_text(json.dumps(wheels))
        _close(folder)
    disk.sync(WHEELS)


def make(runtime: str, wheels_id: str, sources: list[list[str]]) -> None:
    """Make a runtime of Freehold's own files ([path, mode, sha256]), whole or not at all."""
    destination = RUNTIMES / _checked(runtime)
    if destination.is_dir():
        return
    if not (WHEELS / _checked(wheels_id)).is_dir():
        raise BadUsage(f"the wheels {wheels_id} are not here")
    disk.folder(RUNTIMES, 0o755)
    with files.whole_folder(destination) as folder:
        blobs.lay_out(folder / "lib/freehold", sources)
        _close(folder)
        disk.link(folder / "wheels", str(WHEELS / wheels_id))
    disk.sync(RUNTIMES)


def forget_unused() -> None:
    """Drop what no release of any app has, but for the newest, which the next deploy wants."""
    if not RUNTIMES.is_dir():
        return
    used = {link.readlink().name for link in SRV.glob("*/releases/*/runtime")}
    every = sorted(_whole(RUNTIMES), key=lambda item: item.stat().st_mtime)
    for path in every[:-1]:
        if path.name not in used:
            files.remove_tree(path)
    wheels = {(item / "wheels").readlink().name for item in _whole(RUNTIMES)}
    gone = [path for path in RUNTIMES.iterdir() if files.GONE in path.name]
    for path in (*gone, *(path for path in WHEELS.iterdir() if path.name not in wheels)):
        files.remove_tree(path)


def _whole(folder: Path) -> list[Path]:
    """What is there with a name of its own: what a cut left has none."""
    return [item for item in folder.iterdir() if not item.name.startswith(".")] if folder.is_dir() else []


def wheel_blobs() -> set[str]:
    """Uploads that are kept because unpacked wheels came from them: the next version has most of them too."""
    return {name for file in WHEELS.glob("*/wheels.json") for name in json.loads(file.read_text())}


def _unpack(wheel: Path, folder: Path) -> None:
    """Install a wheel: what is not below *.data goes to the library, its scripts to bin."""
    library, programs = folder / "lib", folder / "bin"
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            path = Path(archive.extract(item, library))  # a name that leaves the folder is cut by zipfile
            if item.external_attr >> 16 & 0o100 and path.is_file():
                path.chmod(0o755)
    for data in library.glob("*.data"):
        for scheme in data.iterdir():
            if scheme.name in ("scripts", "purelib", "platlib"):
                shutil.copytree(scheme, programs if scheme.name == "scripts" else library, dirs_exist_ok=True)
        files.remove_tree(data)
    for path in programs.glob("*"):
        path.chmod(0o755)


def _close(folder: Path) -> None:
    """Compile, and let nobody write: everything here runs with an app's rights, and is root's."""
    compileall.compile_dir(folder / "lib", quiet=2, workers=1)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444)


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise BadUsage(f"{name!r} is no name of a runtime")
    return name
