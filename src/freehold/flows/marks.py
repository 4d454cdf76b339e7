"""Say of releases that they are bad, good or to be kept, and remove old ones."""

from dataclasses import dataclass

from freehold.core.target import Target
from freehold.flows import holding
from freehold.releases import history


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is wanted, by the numbers of releases; None for nothing."""

    bad: int | None = None
    why: str = ""
    good: int | None = None
    pin: int | None = None
    unpin: int | None = None
    prune: int | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is."""
        return any(item is not None for item in (self.bad, self.good, self.pin, self.unpin, self.prune))


def change(target: Target, wanted: Change) -> tuple[int, ...]:
    """Make the changes and give what was removed; raises ReleaseUnknown and LockHeld."""
    removed: tuple[int, ...] = ()
    with holding.held(target, "mark") as (lease, note):
        if wanted.bad is not None:
            target.mark(lease, wanted.bad, bad=wanted.why)
            note.about(wanted.bad, bad=wanted.why)
        if wanted.good is not None:
            target.mark(lease, wanted.good, bad="")
            note.about(wanted.good, good="yes")
        for number, pinned in ((wanted.pin, True), (wanted.unpin, False)):
            if number is not None:
                target.pin(lease, number, pinned=pinned)
                note.about(number, pinned=str(pinned))
        if wanted.prune is not None:
            removed = history.prunable(target.releases(), wanted.prune)
            for number in removed:
                target.remove(lease, number)
            note.about(0, pruned=", ".join(map(str, removed)))
    return removed
