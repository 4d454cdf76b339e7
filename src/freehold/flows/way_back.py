"""Go back to a release: the same machine as a deploy, with everything but the switch done before.

It runs where the release lives: on this machine, or as a whole on a server, so that a way back is one journey there.
What is imported here goes to servers as well: the standard library, core and what decides about releases.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from freehold.core.errors import ReleaseUnknown, WindowClosed
from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.core.release import Lease, Release, Standing
from freehold.core.target import Switching
from freehold.core.target_name import to_option
from freehold.data.closing import Closing, Window
from freehold.engine.apply import apply
from freehold.flows import holding, traffic_steps
from freehold.flows.holding import Holder
from freehold.flows.traffic_steps import Move
from freehold.releases import history

SHOWN = 5
AskWindow = Callable[[int], Window]
"""Asks the ledger of the app's database what came after a place in it."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the owner asked for."""

    number: int | None = None
    """None for the newest good release before the live one."""
    watch_seconds: float = 0.0
    bad: str = ""
    """Why the release that is left is never to be gone back to; "" when it may be."""


@dataclass(frozen=True)
class CheckWindow:
    """Whether the schema is still one that the release can work with; the data stays as it is."""

    target: Switching
    release: Release
    ask: AskWindow

    @property
    def title(self) -> str:
        """Say which."""
        return f"See whether release {self.release.number} can work with the schema of today"

    def done(self) -> bool:
        """Never: somebody may have migrated meanwhile."""
        return False

    def run(self, _report: Report) -> None:
        """Look; raises WindowClosed with the object and the migration."""
        insist(self.target, self.release, self.ask)

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


def go(target: Switching, wish: Wish, holder: Holder, ask: AskWindow, report: Report) -> None:
    """Give the traffic back to a release, under the lock; the trail says how it went.

    Code, configuration, secret versions and runtime are the release's own again; the data is not touched. Reports
    `rolled-back`. Raises ReleaseUnknown, WindowClosed, ReleaseSick, with the traffic where it was; LockHeld at once.
    """
    lease = holding.take(target, holder, "rollback")
    with holding.holding(target, "rollback", lease) as note:
        standings = target.releases()
        chosen = choose(target, standings, wish.number)
        move = move_to(target, lease, standings, chosen, watch_seconds=wish.watch_seconds)
        made = plan(move, chosen.release, ask)
        note.about(move.number, tuple(step.title for step in made.steps), before=str(move.before))
        apply(made, report)
        if wish.bad and move.moves:
            target.mark(lease, move.before, bad=wish.bad)
    report(Event(name="step-finished"))
    values = {"target": target.name, "release": move.number, "before": move.before, "changed": move.moves}
    report(Event(name="rolled-back", values=values | {"url": target.address}))


def move_to(
    target: Switching, lease: Lease, standings: Sequence[Standing], chosen: Standing, *, watch_seconds: float
) -> Move:
    """What the steps share at their start."""
    current = history.live(standings)
    before = current.release.number if current is not None else 0
    return Move(target=target, lease=lease, number=chosen.release.number, before=before, watch_seconds=watch_seconds)


def plan(move: Move, release: Release, ask: AskWindow) -> Plan:
    """Say what has to happen, in order."""
    return Plan(
        purpose=f"Go back to release {move.number} on {move.target.name}",
        steps=(
            CheckWindow(move.target, release, ask),
            traffic_steps.StartBeside(move),
            traffic_steps.SwitchTraffic(move),
            traffic_steps.WatchTraffic(move),
        ),
    )


def choose(target: Switching, standings: Sequence[Standing], number: int | None) -> Standing:
    """Give the release to go back to; raises ReleaseUnknown."""
    releases = f"freehold releases{to_option(target.name)}"
    chosen = history.previous(standings) if number is None else history.find(standings, number)
    if chosen is None:
        numbers = ", ".join(str(item.release.number) for item in standings) or "none"
        what = "there is no good release before the live one" if number is None else f"there is no release {number}"
        raise ReleaseUnknown(what, detail=f"here are: {numbers}", hint=releases)
    if chosen.bad:
        raise ReleaseUnknown(
            f"release {chosen.release.number} is marked bad: {chosen.bad}",
            hint=f"if it is good after all: {releases} --good {chosen.release.number}",
        )
    return chosen


def insist(target: Switching, release: Release, ask: AskWindow) -> None:
    """Raise WindowClosed unless the release can work with the schema of today."""
    deploy = f"freehold deploy{to_option(target.name)}"
    window = ask(release.schema_position)
    if window.position < release.schema_position:
        raise WindowClosed(
            f"release {release.number} needs a newer schema than the database has",
            detail="the database was put back to an earlier state",
            hint=f"{deploy}   runs the migrations that it lacks",
        )
    if window.closed:
        path, first = window.closed[0]
        lines = [_closing(where, item) for where, item in window.closed[:SHOWN]]
        raise WindowClosed(
            f"release {release.number} cannot work with the schema of today: {first.object} ({path})",
            detail="\n".join(lines),
            hint=f"deploy a release that can: {deploy}. Data is never rolled back",
        )


def _closing(where: str, item: Closing) -> str:
    place = f"{where}, line {item.line}" if item.line else where
    return f"{item.object}: {item.reason} ({place})"
