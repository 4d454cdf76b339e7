"""Become a confined program: python -I -S __main__.py CONFINEMENT.

A process of its own, because a user namespace wants a single thread. It waits for the first process of the new process
namespace, which is still ours: that one dies with this one, and the kernel ends all that is in a namespace with its
first process. The program below it could rid itself of a parent's death, but not of that.
"""

import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from freehold.kit.confinement import SERVING_FD, Confinement, calls, kernel, parse, reasons, root

CANNOT_CONFINE = 125
MEGABYTE = 1 << 20
ADDRESSES_BYTES = 64 << 30
"""Far more than threads and libraries reserve; the tables of what is reserved count for nobody."""
BACKLOG = 128
DOORS_FD = 16


def main() -> None:
    """Make the namespaces, hand their listeners out, and run the program in them."""
    parent = os.getppid()
    given = parse(sys.argv[1])
    with _high(socket.socket(socket.AF_UNIX)) as doors:
        doors.connect(given.doors)
        try:
            filtered = calls.program(calls.MACHINES[os.uname().machine])
            _leave(parent)
            listeners = [_listen(port) for port in given.ports]
        except (OSError, KeyError) as error:
            _give_up(doors, error)
        child = _start(given, filtered, doors, listeners)
    sys.exit(_outcome(child))


def _high(opened: socket.socket) -> socket.socket:
    """Move a socket out of the way of the descriptor that the program gets; it ends when that one begins."""
    return socket.socket(fileno=fcntl.fcntl(opened.detach(), fcntl.F_DUPFD_CLOEXEC, DOORS_FD))


def _leave(parent: int) -> None:
    """Go into namespaces of our own. The kernel forgets whom we die with when we become another user."""
    if os.geteuid() == 0:
        os.setgroups([])
    kernel.map_user(root.USER)
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has ended")
    kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS)
    kernel.raise_loopback()
    kernel.keep_buffers_small()


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def _start(given: Confinement, filtered: bytes, doors: socket.socket, listeners: list[socket.socket]) -> int:
    """Start the first process of the new process namespace; gives its process id out here."""
    with socket.socket(socket.AF_UNIX) as serving:
        serving.bind(given.socket)
        alive, held = os.pipe()
        first = os.fork()
        if first:
            os.close(alive)
            return first
        os.close(held)
        try:
            _die_together(alive)
            sys.exit(_outcome(_start_program(given, filtered, doors, (serving, *listeners))))
        except OSError as error:
            _give_up(doors, error)


def _start_program(
    given: Confinement, filtered: bytes, doors: socket.socket, sockets: tuple[socket.socket, ...]
) -> int:
    """Run the program below the namespace's first process, which it cannot take along when it leaves its parent.

    What the first one keeps could be taken from it: it gives up as much before the program is there.
    """
    root.enter(given)
    with contextlib.suppress(PermissionError):  # a unit of systemd's may keep the name from being changed at all
        socket.sethostname("app")
    kernel.drop_capabilities()
    program = os.fork()
    if program:
        kernel.filter_calls(filtered)
        for opened in (doors, *sockets):
            opened.close()
        return program
    try:
        serving, *listeners = sockets
        _bound(given)
        socket.send_fds(doors, [b"{}"], [listener.fileno() for listener in listeners])
        _become(given, filtered, serving)
    except OSError as error:
        _give_up(doors, error)


def _die_together(alive: int) -> None:
    """End with the launcher, whatever comes, and by no signal from inside."""
    kernel.die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.set_blocking(alive, False)
    with contextlib.suppress(BlockingIOError):
        os.read(alive, 1)
        sys.exit("the parent has ended")


def _bound(given: Confinement) -> None:
    """Set what the kernel limits itself. It counts threads as processes, and for everybody but root."""
    os.umask(0o077)
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: given.file_megabytes * MEGABYTE,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_AS: ADDRESSES_BYTES,
        resource.RLIMIT_SIGPENDING: 1024,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_NPROC: given.threads,
    }
    for name, most in limits.items():
        least = _lower(most, resource.getrlimit(name)[1])
        resource.setrlimit(name, (least, least))


def _lower(most: int, hard: int) -> int:
    """A limit that is lower already cannot be raised."""
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def _become(given: Confinement, filtered: bytes, serving: socket.socket) -> NoReturn:
    """Close what is not to be had, and be the program. It has three pipes and its socket."""
    os.chdir(given.folder)
    # The one it has is a file of the machine's own /dev, which is not read-only.
    os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), sys.stdin.fileno())
    if serving.fileno() == SERVING_FD:
        os.set_inheritable(SERVING_FD, True)
    else:
        os.dup2(serving.fileno(), SERVING_FD)
    os.closerange(SERVING_FD + 1, DOORS_FD)
    os.closerange(DOORS_FD + 1, 1 << 16)
    kernel.filter_calls(filtered)
    os.execve(root.EXECUTABLE, [root.EXECUTABLE, *given.argv], os.environ)  # noqa: S606 - a list, no shell


def _give_up(doors: socket.socket, error: Exception) -> NoReturn:
    """Tell the starter what is missing; nothing runs. It may have been told already that all is well."""
    told = reasons.explain(error)
    os.write(sys.stderr.fileno(), f"{told['missing']}\n".encode())
    with contextlib.suppress(OSError):
        doors.send(json.dumps(told).encode())
    os._exit(CANNOT_CONFINE)


def _outcome(child: int) -> int:
    """Wait for the program; a signal that ended it is told as shells do."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    main()
