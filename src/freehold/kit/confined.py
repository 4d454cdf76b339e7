"""Start a program of the app's own, watch what it uses, and name the addresses that it may never reach."""

import asyncio
import contextlib
import ctypes
import ipaddress
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NEVER_REACHABLE = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "168.63.129.16",
    "100.100.100.200",
    "[::]",
    "[::1]",
    "[fd00:ec2::254]",
)
"""This machine, link-local addresses and clouds' metadata services, as Deno writes them: IPv6 in brackets."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children use: seconds of CPU, bytes of memory that are resident, threads."""

    cpu_seconds: float
    memory_bytes: int
    threads: int


async def start(argv: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> asyncio.subprocess.Process:
    """Start a program with pipes on its output. It is killed when this process ends, however it ends.

    Must be called on the thread that runs the loop: the kernel ties the child's life to the thread that starts it.
    """
    return await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_bind_to(os.getpid()),
    )


def usage(pid: int) -> Usage | None:
    """Read what a process and all below it use from /proc; None when it is gone, or where there is no /proc."""
    own = _usage_alone(pid)
    if own is None:
        return None
    below = [found for child in _children(pid) if (found := usage(child)) is not None]
    return Usage(
        cpu_seconds=own.cpu_seconds + sum(item.cpu_seconds for item in below),
        memory_bytes=own.memory_bytes + sum(item.memory_bytes for item in below),
        threads=own.threads + sum(item.threads for item in below),
    )


def _usage_alone(pid: int) -> Usage | None:
    try:
        # The name before the last bracket is the process's own to choose, any bytes.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    memory_bytes = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Usage((int(fields[11]) + int(fields[12])) / ticks, memory_bytes, int(fields[17]))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def own_addresses() -> tuple[str, ...]:
    """The addresses of this machine's interfaces in the form that Deno's permissions want, sorted."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        previous = ""
        for line in Path("/proc/net/fib_trie").read_text().splitlines():
            if "host LOCAL" in line:
                found.add(previous)
            previous = line.split()[-1] if line.split() else ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            found.add(f"[{ipaddress.IPv6Address(int(line.split()[0], 16))}]")
    return tuple(sorted(item for item in found if not item.startswith("127.")))


def _bind_to(parent: int) -> Callable[[], None]:
    """Make what a child does between fork and exec: die with its parent, be the first that the kernel kills."""

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        try:
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(descriptor, b"800")
            os.close(descriptor)
        except OSError:
            pass

    return bind
