"""Which release is gone back to, and which ones have been kept for long enough."""

from collections.abc import Sequence
from dataclasses import fields, replace

from freehold.core.release import LIVE, STAGED, WARM, Release, Standing

KEEP = 5
"""How many releases stay on a target by default, besides the live, warm and pinned ones."""
_OWN = frozenset({"id", "number", "parent", "source", "created_at", "created_by", "message"})
"""What tells two releases of the same content apart."""


def live(standings: Sequence[Standing]) -> Standing | None:
    """The release with the traffic."""
    return next((item for item in standings if item.state == LIVE), None)


def previous(standings: Sequence[Standing]) -> Standing | None:
    """What to go back to: the newest release before the live one that was live once and is not bad."""
    current = live(standings)
    number = current.release.number if current is not None else 0
    good = [item for item in standings if item.live_since and not item.bad and item.release.number < number]
    return max(good, key=lambda item: item.release.number, default=None)


def find(standings: Sequence[Standing], number: int) -> Standing | None:
    """The release of this number."""
    return next((item for item in standings if item.release.number == number), None)


def again(standings: Sequence[Standing], draft: Release) -> Standing | None:
    """The newest release, if it holds what `draft` holds and is not bad: deploying the same again makes no new one."""
    newest = standings[-1] if standings else None
    if newest is None or newest.bad or not equal(newest.release, draft):
        return None
    return newest


def equal(one: Release, other: Release) -> bool:
    """Whether two releases serve the same."""
    own = {item.name: getattr(one, item.name) for item in fields(Release) if item.name in _OWN}
    return replace(other, **own) == one


def prunable(standings: Sequence[Standing], keep: int) -> tuple[int, ...]:
    """Numbers that may go: all but the newest `keep`, the live, the warm, the pinned and the one to go back to."""
    back = previous(standings)
    newest = {item.release.number for item in sorted(standings, key=_number)[-keep:]} if keep else set()
    kept = newest | ({back.release.number} if back is not None else set())
    return tuple(
        item.release.number
        for item in standings
        if item.state not in {LIVE, WARM} and not item.pinned and item.release.number not in kept
    )


def unfinished(standings: Sequence[Standing]) -> tuple[int, ...]:
    """Releases that never were live and are not the newest: what deploys that failed or were killed left."""
    return tuple(item.release.number for item in standings[:-1] if item.state == STAGED and not item.pinned)


def _number(item: Standing) -> int:
    return item.release.number
