"""What runs, where it is, and how it is."""

import urllib.error
import urllib.request
from dataclasses import dataclass

from freehold.targets.local import fleet, state
from freehold.targets.local.place import Place
from freehold.targets.local.state import Running

HEALTH_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Status:
    """`health` is ok, unavailable or stopped."""

    health: str
    running: Running | None
    release: int
    """Number of the live release, 0 if none was made."""


def status(place: Place) -> Status:
    """Look at the process, and ask it how it is."""
    running = state.read(place.state)
    number = fleet.live(place)
    if running is None:
        return Status(health="stopped", running=None, release=number)
    return Status(health=_ask(running.url), running=running, release=number)


def _ask(url: str) -> str:
    try:
        with urllib.request.urlopen(f"{url}/_freehold/health", timeout=HEALTH_TIMEOUT_SECONDS):  # noqa: S310 - own url
            return "ok"
    except (urllib.error.URLError, OSError):
        return "unavailable"
