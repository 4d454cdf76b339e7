"""Go back to a release: the same machine as a deploy, with everything but the switch done before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from freehold.core.errors import ReleaseUnknown, WindowClosed
from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.core.ports import Target
from freehold.core.release import Lease, Release, Standing
from freehold.data import migrations
from freehold.engine.apply import apply
from freehold.flows import deploy_steps, holding
from freehold.flows.deploy_work import Move
from freehold.releases import compare, history

SHOWN = 5


@dataclass(frozen=True)
class CheckWindow:
    """Whether the schema is still one that the release can work with; the data stays as it is."""

    move: Move
    release: Release

    @property
    def title(self) -> str:
        """Say which."""
        return f"See whether release {self.release.number} can work with the schema of today"

    def done(self) -> bool:
        """Never: somebody may have migrated meanwhile."""
        return False

    def run(self, _report: Report) -> None:
        """Look; raises WindowClosed with the object and the migration."""
        insist(self.move.target, self.release)

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


def rollback(target: Target, number: int | None, *, watch_seconds: float, bad: str, report: Report) -> None:
    """Give the traffic back to a release; None means the newest good one before the live one.

    Code, configuration, secret versions and runtime are the release's own again; the data is not touched. `bad` says
    why the release that is left is never to be gone back to. Raises ReleaseUnknown, WindowClosed, ReleaseSick.
    """
    with holding.held(target, "rollback") as (lease, note):
        standings = target.releases()
        chosen = choose(standings, number)
        move = move_to(target, lease, standings, chosen, watch_seconds=watch_seconds)
        made = plan(move, chosen.release)
        note.about(move.number, tuple(step.title for step in made.steps), before=str(move.before))
        apply(made, report)
        if bad and move.moves:
            target.mark(lease, move.before, bad=bad)
    report(Event(name="step-finished"))
    values = {"target": target.name, "release": move.number, "before": move.before, "changed": move.moves}
    report(Event(name="rolled-back", values=values | {"url": target.address}))


def move_to(
    target: Target, lease: Lease, standings: Sequence[Standing], chosen: Standing, *, watch_seconds: float
) -> Move:
    """What the steps share at their start."""
    current = history.live(standings)
    before = current.release.number if current is not None else 0
    return Move(target=target, lease=lease, number=chosen.release.number, before=before, watch_seconds=watch_seconds)


def plan(move: Move, release: Release) -> Plan:
    """Say what has to happen, in order."""
    return Plan(
        purpose=f"Go back to release {move.number} on {move.target.name}",
        steps=(
            CheckWindow(move, release),
            deploy_steps.StartBeside(move),
            deploy_steps.SwitchTraffic(move),
            deploy_steps.WatchTraffic(move),
        ),
    )


def choose(standings: Sequence[Standing], number: int | None) -> Standing:
    """Give the release to go back to; raises ReleaseUnknown."""
    chosen = history.previous(standings) if number is None else history.find(standings, number)
    if chosen is None:
        numbers = ", ".join(str(item.release.number) for item in standings) or "none"
        what = "there is no good release before the live one" if number is None else f"there is no release {number}"
        raise ReleaseUnknown(what, detail=f"here are: {numbers}", hint="freehold releases")
    if chosen.bad:
        raise ReleaseUnknown(
            f"release {chosen.release.number} is marked bad: {chosen.bad}",
            hint=f"if it is good after all: freehold releases --good {chosen.release.number}",
        )
    return chosen


def insist(target: Target, release: Release) -> None:
    """Raise WindowClosed unless the release can work with the schema of today."""
    with target.database() as (admin, _):
        position, closed = migrations.closed_since(admin, release.schema_position)
    if position < release.schema_position:
        raise WindowClosed(
            f"release {release.number} needs a newer schema than the database has",
            detail="the database was put back to an earlier state",
            hint="freehold deploy   runs the migrations that it lacks",
        )
    if closed:
        path, first = closed[0]
        lines = [_closing(where, item) for where, item in closed[:SHOWN]]
        raise WindowClosed(
            f"release {release.number} cannot work with the schema of today: {first.object} ({path})",
            detail="\n".join(lines),
            hint="deploy a release that can: freehold deploy. Data is never rolled back",
        )


def _closing(where: str, item: migrations.Closing) -> str:
    place = f"{where}, line {item.line}" if item.line else where
    return f"{item.object}: {item.reason} ({place})"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a way back would do: its steps, and what is different in the release that would be served."""

    purpose: str
    live: int
    release: int
    state: str
    """How that release stands: warm is the quickest."""
    steps: tuple[str, ...]
    restores: compare.Comparison | None

    @property
    def document(self) -> dict[str, object]:
        """The same as JSON."""
        return asdict(self)


def preview(target: Target, number: int | None) -> Preview:
    """Say what a way back would do and restore, without changing anything; raises as the way back would."""
    standings = target.releases()
    chosen, current = choose(standings, number), history.live(standings)
    insist(target, chosen.release)
    move = move_to(target, holding.nobody(), standings, chosen, watch_seconds=0)
    restores = None
    if current is not None:
        one, other = ((item.release, target.manifest(item.release.number)) for item in (current, chosen))
        restores = compare.compare(one, other)
    made = plan(move, chosen.release)
    return Preview(
        purpose=made.purpose,
        live=move.before,
        release=move.number,
        state=chosen.state,
        steps=tuple(step.title for step in made.steps if not step.done()),
        restores=restores,
    )
