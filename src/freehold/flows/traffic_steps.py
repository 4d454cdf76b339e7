"""The steps by which the traffic goes from one release to another: a deploy's, and a way back's. See core/plan.py.

What is imported here goes to servers as well: the standard library, core and what decides about releases.
"""

import time
from dataclasses import dataclass

from freehold.core.errors import ReleaseSick
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.release import Check, Lease, Traffic
from freehold.core.target import Switching
from freehold.core.target_name import to_option
from freehold.releases import history, watch

WATCH_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.1


@dataclass(kw_only=True)
class Move:
    """The traffic goes from `before` to `number`; both are the deploy's and the way back's alike."""

    target: Switching
    lease: Lease
    number: int = 0
    """0 until it is known."""
    before: int = 0
    """The release that is live when it begins; 0 for none."""
    watch_seconds: float = WATCH_SECONDS
    unset_secrets: tuple[str, ...] = ()
    """Names that the release reads and that have no value there: the likeliest cause when it does not get healthy."""
    is_new: bool = False
    """Whether this command made the release, or found it never live."""

    @property
    def moves(self) -> bool:
        """Whether there is anything to switch."""
        return self.number != self.before


@dataclass(frozen=True)
class StartBeside:
    """The release runs beside the live one, and is looked at where no user is."""

    move: Move

    @property
    def title(self) -> str:
        """Say which."""
        number = f"release {self.move.number}" if self.move.number else "the release"
        return f"Start {number} beside the live one and look at it" if self.move.before else f"Start {number}"

    def done(self) -> bool:
        """Never for a release that is not live; the live one runs."""
        return False

    def run(self, report: Report) -> None:
        """Start and look; raises ReleaseSick with what was seen, and the release before goes on serving."""
        move = self.move
        checks = move.target.healthy(move.lease, move.number)
        failed = [check for check in checks if not check.ok]
        if failed:
            reason = f"{failed[0].name}: {failed[0].detail}".splitlines()[0]
            if move.is_new:
                move.target.mark(move.lease, move.number, bad=reason)
            raise _sick(move, checks)
        report(Event(name="checked", values={"release": move.number, "checks": [check.name for check in checks]}))

    def undo(self) -> bool:
        """Nothing: a release without traffic is stopped by its target."""
        return False


@dataclass(frozen=True)
class SwitchTraffic:
    """The one moment in which users notice something new."""

    move: Move

    @property
    def title(self) -> str:
        """Say what from and what to."""
        return f"Send the traffic to release {self.move.number}" if self.move.number else "Send the traffic there"

    def done(self) -> bool:
        """Whether it has the traffic."""
        return not self.move.moves

    def run(self, _report: Report) -> None:
        """Switch."""
        self.move.target.switch(self.move.lease, self.move.number)

    def undo(self) -> bool:
        """Give the traffic back to the release that had it."""
        move = self.move
        current = history.live(move.target.releases())
        if not move.before or current is None or current.release.number != move.number:
            return False
        move.target.healthy(move.lease, move.before)
        move.target.switch(move.lease, move.before)
        return True


@dataclass(frozen=True)
class WatchTraffic:
    """A while in which a release that makes errors loses the traffic again."""

    move: Move

    @property
    def title(self) -> str:
        """Say for how long."""
        return f"Watch its answers for {self.move.watch_seconds:g} s, and go back if they are errors"

    def done(self) -> bool:
        """Whether there is nothing to watch, or nothing to go back to."""
        return not self.move.moves or not self.move.before or self.move.watch_seconds <= 0

    def run(self, report: Report) -> None:
        """Count requests and failures; raises ReleaseSick, and the switch is undone."""
        move = self.move
        usual = move.target.traffic(move.before)
        start = move.target.traffic(move.number)
        seen, end = Traffic(requests=0, failed=0), time.monotonic() + move.watch_seconds
        while time.monotonic() < end:
            time.sleep(LOOK_EVERY_SECONDS)
            seen = watch.since(start, move.target.traffic(move.number))
            if watch.is_sick(seen, usual):
                reason = f"{seen.failed} of {seen.requests} answers were errors after the switch"
                move.target.mark(move.lease, move.number, bad=reason)
                raise ReleaseSick(
                    f"release {move.number} is sick: {reason}",
                    detail=f"release {move.before} has the traffic again, and {move.number} is marked bad",
                    hint=f"freehold logs{to_option(move.target.name)}",
                )
        report(Event(name="watched", values={"requests": seen.requests, "failed": seen.failed}))

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


def _sick(move: Move, checks: tuple[Check, ...]) -> ReleaseSick:
    lines = [f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.detail}" for check in checks]
    serving = f"release {move.before} goes on serving" if move.before else "nothing is served"
    hint = f"freehold logs{to_option(move.target.name)}"
    if move.unset_secrets:
        lines.append(f"secrets that it reads and that have no value: {', '.join(move.unset_secrets)}")
        hint = f"freehold secrets set {move.unset_secrets[0]}{to_option(move.target.name)}, then the same command again"
    return ReleaseSick(f"release {move.number} did not get healthy; {serving}", detail="\n".join(lines), hint=hint)
