"""The second half of a deploy: a release that is there, whole and recorded, gets the traffic.

It runs where the release lives, as a way back does: on this machine, or as a whole on a server, where it goes on when
the line is cut, its watch and its own way back included. What is imported here goes to servers as well.
"""

from dataclasses import dataclass

from freehold.core.errors import TargetUnfit
from freehold.core.event import Event
from freehold.core.plan import Plan, Report, Step
from freehold.core.release import Lease
from freehold.core.target import Switching
from freehold.core.trail import Act
from freehold.engine.apply import apply
from freehold.flows import holding, traffic_steps
from freehold.flows.traffic_steps import Move
from freehold.releases import history


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What is to happen; see Move."""

    number: int
    before: int
    watch_seconds: float
    unset_secrets: tuple[str, ...]
    is_new: bool
    keep: int
    """How many releases stay."""

    @classmethod
    def of(cls, move: Move, keep: int) -> "Arrival":
        """What a move will be elsewhere."""
        return cls(
            number=move.number,
            before=move.before,
            watch_seconds=move.watch_seconds,
            unset_secrets=tuple(move.unset_secrets),
            is_new=move.is_new,
            keep=keep,
        )


def go(target: Switching, arrival: Arrival, lease: Lease, act: Act, report: Report) -> None:
    """Do it under a lock that was taken before, write down how it went, and give the lock back.

    Raises ReleaseSick, with the traffic where it was, and LockLost.
    """
    move = Move(
        target=target,
        lease=lease,
        number=arrival.number,
        before=arrival.before,
        watch_seconds=arrival.watch_seconds,
        unset_secrets=tuple(arrival.unset_secrets),
        is_new=arrival.is_new,
    )
    with holding.holding(target, act.what, lease) as note:
        note.act = act
        apply(Plan(purpose=f"Serve release {move.number}", steps=steps(move, arrival.keep)), report)


def steps(move: Move, keep: int) -> tuple[Step, ...]:
    """What has to happen, in order."""
    return (
        traffic_steps.StartBeside(move),
        traffic_steps.SwitchTraffic(move),
        traffic_steps.WatchTraffic(move),
        PruneReleases(move, keep),
    )


@dataclass(frozen=True)
class PruneReleases:
    """What has been kept for long enough."""

    move: Move
    keep: int

    @property
    def title(self) -> str:
        """Say how many stay."""
        return f"Keep the last {self.keep} releases, and those that are live, warm or pinned"

    def done(self) -> bool:
        """Whether there is nothing to prune."""
        return not history.prunable(self.move.target.releases(), self.keep)

    def run(self, report: Report) -> None:
        """Remove, oldest first. What cannot be removed is said, and left to the next deploy: the release is good."""
        for number in history.prunable(self.move.target.releases(), self.keep):
            try:
                self.move.target.remove(self.move.lease, number)
            except TargetUnfit as error:
                text = f"release {number} could not be removed, and is tried again by the next deploy: {error.message}"
                report(Event(name="warning", text=text))
                return
            report(Event(name="pruned", text=f"release {number} is removed", values={"release": number}))

    def undo(self) -> bool:
        """Nothing, and that is why it goes last."""
        return False
