"""Open a server as a target: log in once, and keep the connection until this program ends."""

import atexit
import contextlib
import os
from pathlib import Path

from freehold.core.errors import TargetUnknown
from freehold.kit import ssh
from freehold.targets.server.agent import Agent
from freehold.targets.server.target import ServerTarget


def open_target(name: str, values: dict[str, str]) -> ServerTarget:
    """Log in to the server of a target's table; raises TargetUnreachable."""
    missing = [key for key in ("address", "app") if not values.get(key)]
    if missing:
        raise TargetUnknown(f"target {name} has no {missing[0]}", hint="freehold server add USER@ADDRESS")
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    connection = kept.enter_context(ssh.connect(ssh.parse(values["address"])))
    return ServerTarget(name=name, app=values["app"], agent=Agent(connection), cache=cache())


def cache() -> Path:
    """Where wheels for servers are kept on this machine: $XDG_CACHE_HOME, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "freehold"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
