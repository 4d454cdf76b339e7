"""Say whether a server fits, before anything is copied: pure, from facts that were read there."""

import time
from collections.abc import Mapping
from typing import Any

from freehold import platform
from freehold.core.release import Condition, Needs, Problem
from freehold.core.secret import Secret
from freehold.kit import postgres

OLDEST = {"debian": 12, "ubuntu": 24}
OLDEST_PYTHON = (3, 11)
LEAST_MEMORY_BYTES = 900 << 20
LEAST_DISK_BYTES = 2 << 30
CLOCK_SECONDS = 60.0
MEGABYTE = 1 << 20


def bare(facts: Mapping[str, Any], *, now: float | None = None) -> Condition:
    """Whether a machine can become a server."""
    wrong = [*_system(facts), *_size(facts), *_clock(facts, time.time() if now is None else now), *_ports(facts)]
    return Condition(problems=tuple(wrong), facts=_shown(facts))


def condition(facts: Mapping[str, Any], needs: Needs, *, major: int, extensions: frozenset[str]) -> Condition:
    """Whether a release with these needs can live on a server that was added."""
    wrong = list(_clock(facts, time.time()))
    if major < needs.postgres_major:
        wrong.append(
            Problem(
                message=f"the server's PostgreSQL is {major}, and the app wants {needs.postgres_major} or newer",
                hint="use a newer Debian, whose PostgreSQL is newer",
            )
        )
    lacking = sorted(set(needs.extensions) - extensions)
    if lacking:
        wrong.append(
            Problem(
                message="the server's PostgreSQL lacks extensions that the app uses",
                detail=", ".join(lacking),
                hint=f"install them there, such as: apt install postgresql-{major}-{lacking[0]}",
            )
        )
    if needs.server_runtime:
        wrong += confinement(facts)
    wrong += _less("disk", int(facts["disk_free_bytes"]), needs.disk_bytes)
    wrong += _less("memory", int(facts["memory_bytes"]), needs.memory_bytes)
    return Condition(problems=tuple(wrong), facts={**_shown(facts), "PostgreSQL": str(major)})


def confinement(facts: Mapping[str, Any]) -> list[Problem]:
    """The app's own Python server is never started unconfined."""
    closed = facts["closed_to_confinement"]
    if not closed:
        return []
    message = f"the app's Python server cannot be confined there: {closed['missing']}"
    return [Problem(message=message, hint=f"on the server: {closed['hint']}")]


def extensions(admin: Secret) -> frozenset[str]:
    """What the server's PostgreSQL can create."""
    with postgres.connect(admin) as connection:
        return frozenset(str(row[0]) for row in connection.execute("select name from pg_available_extensions"))


def is_current(admin: Secret) -> bool:
    """Whether the app's database has every revision of the platform that this tool knows."""
    with postgres.connect(admin) as connection:
        return platform.is_current(connection)


def _system(facts: Mapping[str, Any]) -> list[Problem]:
    wrong = []
    oldest = OLDEST.get(str(facts["system"]))
    version = str(facts["version"]).split(".", maxsplit=1)[0]
    if oldest is None or not version.isdigit() or int(version) < oldest:
        wrong.append(
            Problem(
                message=f"the server runs {facts['pretty']}", hint="use Debian 12 or newer, or Ubuntu 24.04 or newer"
            )
        )
    if facts["machine"] not in ("x86_64", "aarch64"):
        wrong.append(Problem(message=f"the server is a {facts['machine']}", hint="use x86_64 or aarch64"))
    if tuple(int(part) for part in str(facts["python"]).split(".")) < OLDEST_PYTHON:
        wrong.append(Problem(message=f"its Python is {facts['python']}", hint="3.11 or newer comes with Debian 12"))
    if not facts["systemd"]:
        wrong.append(Problem(message="systemd does not run there", hint="use a machine, not a plain container"))
    if not facts["root"]:
        wrong.append(
            Problem(message="this login may not change the server", hint="use root, or sudo without a password")
        )
    return wrong


def _size(facts: Mapping[str, Any]) -> list[Problem]:
    memory, disk = int(facts["memory_bytes"]), int(facts["disk_free_bytes"])
    return _less("memory", memory, LEAST_MEMORY_BYTES) + _less("disk", disk, LEAST_DISK_BYTES)


def _less(what: str, has: int, needed: int) -> list[Problem]:
    if has >= needed:
        return []
    detail = f"{needed // MEGABYTE} MB are needed, {has // MEGABYTE} MB are there"
    return [Problem(message=f"the server has too little {what}", detail=detail, hint=f"give it more {what}")]


def _clock(facts: Mapping[str, Any], now: float) -> list[Problem]:
    off = float(facts["time"]) - now
    if abs(off) <= CLOCK_SECONDS:
        return []
    which = "ahead" if off > 0 else "behind"
    return [
        Problem(
            message=f"the server's clock is {abs(off):.0f} s {which} of this machine's",
            detail="sign-in tokens would be refused, or live too long",
            hint="timedatectl set-ntp true   on whichever is wrong",
        )
    ]


def _ports(facts: Mapping[str, Any]) -> list[Problem]:
    taken = sorted({80, 443} & set(facts["ports_taken"]))
    if not taken or facts.get("ours"):
        return []
    return [
        Problem(
            message=f"another program listens on port {' and '.join(map(str, taken))} of the server",
            hint="stop it, or use a machine of its own: ss -ltnp",
        )
    ]


def _shown(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        "system": f"{facts['pretty']}, {facts['machine']}",
        "memory": f"{int(facts['memory_bytes']) // MEGABYTE} MB",
        "free disk": f"{int(facts['disk_free_bytes']) // MEGABYTE} MB",
        "processors": str(facts["cpus"]),
        "Python": str(facts["python"]),
    }
