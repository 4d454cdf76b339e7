"""Give the traffic back to an earlier release: looked at from here, or done. See flows/way_back.py."""

from dataclasses import asdict, dataclass

from freehold.core.acting import SelfActing
from freehold.core.plan import Report
from freehold.core.target import Target
from freehold.data.closing import Window
from freehold.flows import holding, way_back
from freehold.flows.way_back import AskWindow, Wish
from freehold.releases import compare, history


def rollback(target: Target, wish: Wish, report: Report) -> None:
    """Go back; a target that can do the whole of it does, in one journey. Raises what `way_back.go` does, LockHeld."""
    holder = holding.Holder.me()

    def go() -> None:
        if isinstance(target, SelfActing):
            target.act("rollback", {"wish": asdict(wish), "holder": asdict(holder)}, report)
        else:
            way_back.go(target, wish, holder, window_of(target), report)

    holding.patiently(target, go)


def window_of(target: Target) -> AskWindow:
    """Ask the app's database from here."""

    def ask(after: int) -> Window:
        from freehold.data import migrations  # noqa: PLC0415 - a target that acts itself needs none of it here

        with target.database() as (admin, _):
            return migrations.closed_since(admin, after)

    return ask


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
    chosen, current = way_back.choose(target, standings, number), history.live(standings)
    ask = window_of(target)
    way_back.insist(target, chosen.release, ask)
    move = way_back.move_to(target, holding.nobody(), standings, chosen, watch_seconds=0)
    restores = None
    if current is not None:
        one, other = ((item.release, target.manifest(item.release.number)) for item in (current, chosen))
        restores = compare.compare(one, other)
    made = way_back.plan(move, chosen.release, ask)
    return Preview(
        purpose=made.purpose,
        live=move.before,
        release=move.number,
        state=chosen.state,
        steps=tuple(step.title for step in made.steps if not step.done()),
        restores=restores,
    )
