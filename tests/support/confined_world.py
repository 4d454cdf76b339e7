"""A program of somebody else's in its confinement: what it prints, and what its listeners get."""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freehold.kit.confinement import Confinement, command, reasons

PATIENCE_SECONDS = 60
HEAD = """import ctypes, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def said(what):
    try:
        return str(what())
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    return os.strerror(ctypes.get_errno()) if result == -1 else f"done: {result}"
def tell(found):
    print(json.dumps(found), flush=True)
"""

NO_NAMESPACES = """
import os, sys
sys.path.insert(0, sys.argv[1])
from freehold.kit.confinement import kernel
kernel.map_user(os.getuid())
open("/proc/sys/user/max_user_namespaces", "w").write("0")
os.execve(sys.argv[2], sys.argv[2:], os.environ)
"""
"""Become a program where no further user namespace can be made: the folder of our sources, then the program."""


@dataclass(frozen=True, kw_only=True)
class Confined:
    """A running one: `listeners` are those of its ports, `told` what the launcher said."""

    process: subprocess.Popen[str]
    listeners: tuple[socket.socket, ...]
    told: Mapping[str, str]
    socket: Path

    def line(self) -> Any:
        """The next line that it prints, as JSON."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline() or "null")


@functools.cache
def _refusal() -> str:
    """Why the kernel lets us make no namespaces; asked of the kernel alone, as what is tested might be broken."""
    switched = reasons.closed().get("missing", "") if os.geteuid() else ""
    probe = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    refused = subprocess.run([sys.executable, "-I", "-c", probe], check=False).returncode != 0
    return switched or ("the kernel refuses a user namespace" if refused else "")


def skip_where_closed() -> None:
    """Skip a test of what is confined on a machine whose kernel refuses namespaces."""
    if _refusal():
        pytest.skip(f"nothing can be confined here: {_refusal()}")


@contextlib.contextmanager
def confined(
    source: str,
    *,
    environment: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
    python: str = "",
    **changes: Any,
) -> Iterator[Confined]:
    """Run `source` after HEAD; the launcher may itself be started by `prefix`, or be run by another `python`."""
    skip_where_closed()
    folder = Path(tempfile.mkdtemp(prefix="fh-test-"))
    code, work = folder / "code", folder / "work"
    code.mkdir()
    work.mkdir()
    (code / "program.py").write_text(HEAD + source)
    with socket.socket(socket.AF_UNIX) as doors:
        doors.bind(str(folder / "doors"))
        doors.listen()
        doors.settimeout(PATIENCE_SECONDS)
        given = Confinement(
            **{
                "argv": ("-I", "-S", "-B", "program.py"),
                "folder": "/given",
                "binds": ((str(code), "/given"),),
                "work": str(work),
                "socket": str(folder / "fn"),
                "doors": str(folder / "doors"),
                "ports": (5432, 3128),
                **changes,
            }
        )
        process = subprocess.Popen(
            [*prefix, *((python, *command(given)[1:]) if python else command(given))],
            env=dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield _received(process, doors, folder / "fn")
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE_SECONDS)
            shutil.rmtree(folder)


def _received(process: subprocess.Popen[str], doors: socket.socket, path: Path) -> Confined:
    with doors.accept()[0] as launcher:
        launcher.settimeout(PATIENCE_SECONDS)
        message, fds, _, _ = socket.recv_fds(launcher, 4096, 8)
    listeners = tuple(socket.socket(fileno=fd) for fd in fds)
    return Confined(process=process, listeners=listeners, told=json.loads(message), socket=path)
