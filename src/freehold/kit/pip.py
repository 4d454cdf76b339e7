"""Install Python packages into a folder of their own, as wheels only: nothing of a package is run or compiled.

The interpreter that runs Freehold is the one that they are for.
"""

import os
import sys
import sysconfig
from importlib import resources
from pathlib import Path

from freehold.core.errors import ProgramMissing
from freehold.kit import files, process

INSTALL_TIMEOUT_SECONDS = 900
COMPILE_TIMEOUT_SECONDS = 300
_QUIETLY = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-conflicts", "--no-compile")
_UNDISTURBED = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
_IMPATIENTLY = ("--retries", "2", "--timeout", "20")


def described() -> str:
    """What wheels are chosen by: the interpreter's version and the machine; part of what a build depends on."""
    return f"{sys.implementation.cache_tag} {sysconfig.get_platform()}"


def version() -> str:
    """The interpreter's version as packages name it, such as 3.11."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def shipped(tool: str) -> Path:
    """Give the lock file of kit/tools/`tool`."""
    return Path(str(resources.files("freehold.kit.tools").joinpath(tool, "requirements.txt")))


def install(requirements: Path, folder: Path, *, cache: Path, log: Path | None = None) -> process.Ended:
    """Install what a requirements file names, with all that needs, into `folder`; its programs are left out.

    The file must have been read before: what it names is fetched. The owner's own settings of pip hold, as they know
    the way to the package index. Raises ProgramMissing without pip.
    """
    argv = [sys.executable, "-I", "-m", "pip", "install", *_QUIETLY, *_IMPATIENTLY, "--only-binary", ":all:"]
    argv += ["--cache-dir", str(cache), "--target", str(folder), "-r", str(requirements)]
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


def compile_folder(folder: Path, shown: str) -> None:
    """Compile what is below a folder, so that it starts quickly where nothing can be written.

    `shown` is the path that tracebacks name. What does not compile is left as it is: some packages bring templates.
    """
    options = ["-q", "-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", shown]
    process.run(
        [sys.executable, "-I", "-m", "compileall", *options, str(folder)],
        environment={"PATH": os.defpath, "PYTHONHASHSEED": "0"},
        timeout_seconds=COMPILE_TIMEOUT_SECONDS,
    )
