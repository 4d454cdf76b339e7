"""What runs, where it is, and how it is."""

import urllib.error
import urllib.request
from dataclasses import dataclass, replace

from freehold.core.release import WARM, Lease
from freehold.core.target import Target
from freehold.releases import history
from freehold.targets.local import fleet, state
from freehold.targets.local.place import Place
from freehold.targets.local.state import Running

HEALTH_TIMEOUT_SECONDS = 5
FAILURE = 500


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


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """How an app is at a target; `health` is ok, unavailable or empty (no release is live)."""

    target: str
    health: str
    address: str
    release: int
    warm: tuple[int, ...]
    lock: Lease | None
    trouble: str = ""
    """Why the address did not answer as it should."""


def of_target(target: Target) -> Elsewhere:
    """Ask a target what is live and who changes it, and the app's address as a user would."""
    standings = target.releases()
    current = history.live(standings)
    lease = target.lock()
    trouble = _trouble(target.address) if current is not None else ""
    return Elsewhere(
        target=target.name,
        health="empty" if current is None else "unavailable" if trouble else "ok",
        address=target.address,
        release=current.release.number if current is not None else 0,
        warm=tuple(item.release.number for item in standings if item.state == WARM),
        lock=replace(lease, token="") if lease is not None else None,
        trouble=trouble,
    )


def _trouble(address: str) -> str:
    """Ask as a user would; "" when the app answers."""
    try:
        with urllib.request.urlopen(f"{address}/", timeout=HEALTH_TIMEOUT_SECONDS):  # noqa: S310 - the owner's address
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < FAILURE else f"it answers {error.code}"
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _ask(url: str) -> str:
    try:
        with urllib.request.urlopen(f"{url}/_freehold/health", timeout=HEALTH_TIMEOUT_SECONDS):  # noqa: S310 - own url
            return "ok"
    except (urllib.error.URLError, OSError):
        return "unavailable"
