"""Somebody's word that a changed entity may let others in, or take away what older releases need."""

from collections.abc import Iterable, Sequence

from freehold.core.errors import BadUsage, NotAccepted
from freehold.data.migrations import Consent
from freehold.platform.entities.tables import Change


def insist(consent: Consent, changes: Sequence[Change]) -> None:
    """Raise NotAccepted for entities that ask and are not named, and BadUsage for a name that asks for nothing."""
    asking = list(dict.fromkeys(change.entity for change in changes if change.asks))
    unknown = sorted(name for name in consent.names if name.lower() not in {entity.lower() for entity in asking})
    if unknown:
        raise BadUsage(
            f"--accept {unknown[0]}: nothing about {unknown[0]} has to be accepted",
            detail="\n".join(asking) or "no entity changes in a way that asks",
        )
    named = {name.lower() for name in consent.names}
    missing = [entity for entity in asking if entity.lower() not in named]
    if missing:
        raise _refusal(missing, changes)


def named(accept: Iterable[str], entities: Iterable[str]) -> frozenset[str]:
    """Those of the names to accept that are entities."""
    known = {entity.lower() for entity in entities}
    return frozenset(name for name in accept if name.lower() in known)


def _refusal(missing: Sequence[str], changes: Sequence[Change]) -> NotAccepted:
    lines = [f"{change.entity}: {change.asks}" for change in changes if change.asks and change.entity in missing]
    words = "opens records to others, or takes away what older releases need"
    what = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more entities"
    return NotAccepted(
        f"what has changed in {what} {words}",
        detail="\n".join(lines),
        hint="if that is meant: run the same command with " + " ".join(f"--accept {entity}" for entity in missing),
    )
