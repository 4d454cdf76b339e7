"""Runs a program of somebody else's in a world of its own, made by the kernel: no file, no process, no network of ours.

The program sees an interpreter and libraries, the folders it is given (read-only) and a small /tmp. It cannot start
processes. Its network is a loopback of its own, whose listeners are held by whoever started it.
"""

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path

SERVING_FD = 3
"""Where the program finds the socket that `Confinement.socket` names, bound and not yet listening."""
LAUNCHER = Path(__file__).with_name("__main__.py")


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What the program is given; everything else does not exist for it."""

    argv: tuple[str, ...]
    """Arguments of the Python interpreter."""
    folder: str
    """Where it starts, as it sees it."""
    binds: tuple[tuple[str, str], ...]
    """Files and folders: where they lie, and where the program sees them."""
    writable: tuple[tuple[str, str], ...] = ()
    """Folders that the program may write, in the same way; nothing in them can be run."""
    work: str
    """A folder of this run alone, which may hold the sockets; the program does not see it."""
    socket: str
    """A Unix socket to be bound for the program."""
    doors: str
    """A Unix socket of the starter's: it is sent the listening sockets of `ports`, or why they cannot be had."""
    ports: tuple[int, ...]
    """Ports of the program's own loopback."""
    temporary_megabytes: int = 256
    file_megabytes: int = 256
    threads: int = 256


def command(confinement: Confinement) -> tuple[str, ...]:
    """Give what is to be started; it holds no secret, the environment is the program's."""
    return (sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(dataclasses.asdict(confinement)))


def parse(text: str) -> Confinement:
    """Read what `command` wrote."""
    values = json.loads(text)
    lists = {"argv": tuple(values["argv"]), "ports": tuple(values["ports"])}
    pairs = {name: tuple((source, target) for source, target in values[name]) for name in ("binds", "writable")}
    return Confinement(**(values | lists | pairs))
