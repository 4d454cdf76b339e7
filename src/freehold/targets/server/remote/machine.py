"""What this machine is, before anything is changed."""

import os
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from freehold.kit.confinement import reasons
from freehold.targets.server.remote import programs

FIRST_FILE = Path("/etc/postgresql-common/createcluster.d/freehold.conf")
FILLED = tuple(Path(name) for name in ("/", "/srv/freehold", "/var/lib/freehold", "/opt", "/var/lib/postgresql"))
"""Folders that releases and their data fill, each of which may be a disk of its own."""
PACKAGES = ("python3", "caddy", "postgresql", "postgresql-contrib", "age")


def facts() -> dict[str, Any]:
    """Look; nothing is changed."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return {
        "system": release.get("ID", ""),
        "version": release.get("VERSION_ID", ""),
        "pretty": release.get("PRETTY_NAME", platform.system()),
        "machine": platform.machine(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "glibc": platform.libc_ver()[1],
        "closed_to_confinement": reasons.closed(),
        "systemd": Path("/run/systemd/system").is_dir(),
        "memory_bytes": _memory(),
        "disk_free_bytes": min(shutil.disk_usage(folder).free for folder in FILLED if folder.is_dir()),
        "cpus": len(os.sched_getaffinity(0)),
        "root": os.geteuid() == 0,
        "time": time.time(),
        "postgres_major": postgres_major(),
        "postgres_candidate": _candidate("postgresql"),
        "ports_taken": _listeners(),
        "ours": _is_ours(),
    }


def postgres_major() -> int:
    """The newest installed PostgreSQL's major, 0 for none."""
    folder = Path("/usr/lib/postgresql")
    majors = [int(item.name) for item in folder.iterdir() if item.name.isdigit()] if folder.is_dir() else []
    return max(majors, default=0)


def _is_ours() -> bool:
    """Whether we began to set this machine up: the first file that is written here, before any package is installed."""
    return FIRST_FILE.exists()


def _candidate(package: str) -> int:
    """The major that the machine's own packages would bring: 15+248 is 15."""
    if shutil.which("apt-cache") is None:
        return 0
    text = programs.attempt(["apt-cache", "policy", package]).stdout.decode()
    for line in text.splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "Candidate":
            digits = value.partition("+")[0].partition(":")[2] or value.partition("+")[0]
            return int(digits) if digits.isdigit() else 0
    return 0


def _memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _listeners() -> list[int]:
    """Ports on which something listens."""
    found = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        lines = Path(name).read_text().splitlines()[1:] if Path(name).exists() else []
        found |= {int(line.split()[1].rpartition(":")[2], 16) for line in lines if line.split()[3] == "0A"}
    return sorted(found)
