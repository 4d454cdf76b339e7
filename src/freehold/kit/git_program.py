"""git, run so that a repository made by strangers cannot run anything and nobody is asked for a password.

A repository's own .git/config may name programs (file watchers, hooks, signature checkers, diff tools): every call
switches them off. Clones use the owner's credential helpers and ssh keys.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from freehold.core.errors import ProgramMissing

QUERY_TIMEOUT_SECONDS = 120
SCHEMES = ("https", "http", "ssh", "git", "file")
_HARMLESS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.quotePath": "false",
    "diff.external": "",
    "log.showSignature": "false",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
}


def ask(root: Path, *arguments: str) -> str:
    """Give what a query prints; "" when it fails."""
    result = run(list(arguments), root, timeout_seconds=QUERY_TIMEOUT_SECONDS, config={})
    return result.stdout if result.returncode == 0 else ""


def run(
    arguments: list[str], folder: Path, *, timeout_seconds: int, config: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run to the end; raises TimeoutExpired and ProgramMissing. `config` goes on top of what every call has."""
    result = run_raw(arguments, folder, timeout_seconds=timeout_seconds, config=config)
    out, err = (_decoded(stream) for stream in (result.stdout, result.stderr))
    return subprocess.CompletedProcess(result.args, result.returncode, out, err)


def _decoded(stream: bytes) -> str:
    return stream.decode("utf-8", errors="replace").replace("\r\n", "\n")


def run_raw(
    arguments: list[str], folder: Path, *, timeout_seconds: int, config: Mapping[str, str], given: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The same in bytes, with something to read."""
    argv = ["git", "-P", *arguments]
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment({**_HARMLESS, **config}),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # without a terminal of its own nothing that git starts can ask a question
        )
    except FileNotFoundError as error:
        raise ProgramMissing("git is not installed", hint="install git, or give a folder or a zip") from error
    try:
        out, err = process.communicate(given, timeout=timeout_seconds)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def offline_environment() -> dict[str, str]:
    """Give the environment for a git that runs nothing of the repository's and reaches no network, for kit's own use.

    A partial clone would fetch what it lacks when an object is asked for: without a protocol it cannot.
    """
    return _environment(_HARMLESS) | {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}


def _environment(config: Mapping[str, str]) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    pairs = {
        f"GIT_CONFIG_{part}_{number}": text
        for number, pair in enumerate(config.items())
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return (
        environment
        | pairs
        | {
            "GIT_CONFIG_COUNT": str(len(config)),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_ALLOW_PROTOCOL": "" if config.get("protocol.allow") == "never" else ":".join(SCHEMES),
            "SSH_ASKPASS_REQUIRE": "never",
            "LC_ALL": "C.UTF-8",
        }
    )


_DROPPED = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_CONFIG_PARAMETERS",
        "GIT_EXTERNAL_DIFF",
    }
)
