"""Install Python packages into a folder of their own, as wheels only: nothing of a package is run or compiled.

They are for the interpreter that runs Freehold, or for that of another machine.
"""

import os
import platform
import sys
from importlib import resources
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.core.release import Interpreter
from freehold.kit import files, process

INSTALL_TIMEOUT_SECONDS = 900
COMPILE_TIMEOUT_SECONDS = 300
OLDEST_GLIBC = "36"
"""Of glibc 2: Debian 12's."""
_QUIETLY = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-conflicts", "--no-compile")
_UNDISTURBED = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
_IMPATIENTLY = ("--retries", "2", "--timeout", "20")


def own() -> Interpreter:
    """Give the interpreter that runs Freehold."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(version=version, machine=platform.machine(), glibc=platform.libc_ver()[1])


def shipped(tool: str) -> Path:
    """Give the lock file of kit/tools/`tool`."""
    return Path(str(resources.files("freehold.kit.tools").joinpath(tool, "requirements.txt")))


def install(
    requirements: Path, folder: Path, wanted: Interpreter, *, cache: Path, log: Path | None = None
) -> process.Ended:
    """Install what a requirements file names, with all that needs, into `folder`; its programs are left out.

    The file must have been read before: what it names is fetched. The owner's own settings of pip hold, as they know
    the way to the package index. Raises ProgramMissing without pip.
    """
    argv = [sys.executable, "-I", "-m", "pip", "install", *_QUIETLY, *_IMPATIENTLY, "--only-binary", ":all:"]
    argv += [*_elsewhere(wanted), "--cache-dir", str(cache), "--target", str(folder), "-r", str(requirements)]
    environment = {**os.environ, **_UNDISTURBED}
    ended = process.run(argv, environment=environment, timeout_seconds=INSTALL_TIMEOUT_SECONDS, log=log)
    if not ended.ok and any(line.endswith("No module named pip") for line in ended.lines):
        raise ProgramMissing(
            "pip is not there, which fetches the packages of the app's Python server",
            detail=f"{sys.executable} -m pip does not start",
            hint=f"{sys.executable} -m ensurepip",
        )
    files.remove_tree(folder / "bin")
    return ended


def _elsewhere(wanted: Interpreter) -> list[str]:
    """Options for wheels of another machine's interpreter; conditions on Python's version are still judged by ours."""
    if wanted == own():
        return []
    oldest, newest = 5, int(wanted.glibc.partition(".")[2] or OLDEST_GLIBC)
    platforms = [f"manylinux_2_{minor}_{wanted.machine}" for minor in range(newest, oldest - 1, -1)]
    platforms += [f"manylinux{year}_{wanted.machine}" for year in (2014, 2010, 1)]
    options = [item for name in platforms for item in ("--platform", name)]
    return [*options, "--python-version", wanted.version, "--implementation", "cp"]


def compile_folder(folder: Path, shown: str, wanted: Interpreter) -> None:
    """Compile what is below a folder, so that it starts quickly where nothing can be written; for our version alone.

    `shown` is the path that tracebacks name. What does not compile is left as it is: some packages bring templates.
    """
    if wanted.version != own().version:
        return
    options = ["-q", "-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", shown]
    process.run(
        [sys.executable, "-I", "-m", "compileall", *options, str(folder)],
        environment={"PATH": os.defpath, "PYTHONHASHSEED": "0"},
        timeout_seconds=COMPILE_TIMEOUT_SECONDS,
    )
