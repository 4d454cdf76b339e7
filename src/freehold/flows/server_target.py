"""Open a server as a target: log in once, and keep the connection until this program ends."""

import atexit
import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.core.errors import TargetUnknown
from freehold.kit import ssh
from freehold.targets.server.agent import Agent

if TYPE_CHECKING:
    from freehold.targets.server.target import ServerTarget


def open_target(name: str, values: dict[str, str]) -> "ServerTarget":
    """Give the server of a target's table; it logs in when it is asked first, and raises TargetUnreachable then."""
    from freehold.targets.server.target import ServerTarget  # noqa: PLC0415 - a login begins before this is loaded

    return ServerTarget(
        name=name, app=_of(values, name, "app"), agent=_agent(_of(values, name, "address")), cache=cache()
    )


def begin(name: str, values: dict[str, str]) -> None:
    """Begin to log in, and do not wait for it; `open_target` gives the same connection."""
    _agent(_of(values, name, "address")).begin()


@functools.cache
def _agent(address: str) -> Agent:
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    return Agent(kept.enter_context(ssh.connect(ssh.parse(address))))


def _of(values: dict[str, str], name: str, key: str) -> str:
    if not values.get(key):
        raise TargetUnknown(f"target {name} has no {key}", hint="freehold server add USER@ADDRESS")
    return values[key]


def cache() -> Path:
    """Where wheels for servers are kept on this machine: $XDG_CACHE_HOME, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "freehold"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
