"""This server as a target, for the flows that run on it: what they ask is done here, without a journey."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freehold.core.event import Event
from freehold.core.release import Check, Lease, Release, Standing, Traffic
from freehold.core.trail import Act
from freehold.targets.server.remote import database, luggage, places, releases, serving, state, units


def rollback(app: str, target: str, order: Mapping[str, Any]) -> None:
    """Go back as flows/way_back.py does; raises LockHeld at once."""
    values = dict(order)
    holder, process = values.pop("holder"), values.pop("process")
    here = Here(app, target)
    lease = Lease(**releases.take_lock(app, holder, "rollback", process, LEASE_SECONDS))
    luggage.part("go_back")(here, luggage.part("wish")(**values), lease, here.window, _report)


LEASE_SECONDS = 600


@dataclass(frozen=True)
class Here:
    """As much of a Target, see core/ports.py, as those flows use."""

    app: str
    name: str

    @property
    def address(self) -> str:
        """Where users find the app."""
        return str(state.settings(places.app_of(self.app))["address"])

    def releases(self) -> tuple[Standing, ...]:
        """Every release here."""
        place = places.app_of(self.app)
        state.settings(place)
        return releases.records(place).standings(units.live(place), units.running(place))

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Start it and look."""
        return serving.look(places.app_of(self.app), lease, number)

    def switch(self, lease: Lease, number: int) -> None:
        """One rename."""
        serving.switch(self.app, asdict(lease), number)

    def traffic(self, number: int) -> Traffic:
        """What it has answered."""
        return Traffic(**serving.traffic(self.app, number))

    def mark(self, lease: Lease, number: int, *, bad: str) -> None:
        """Say why it is bad."""
        releases.mark(self.app, asdict(lease), number, bad)

    def record(self, act: Act) -> None:
        """Append to the trail."""
        releases.records(places.app_of(self.app)).record(act)

    def drop_lock(self, lease: Lease) -> None:
        """Give the lock back."""
        releases.drop_lock(self.app, asdict(lease))

    def release(self, number: int) -> Release:
        """One release."""
        return releases.records(places.app_of(self.app)).release(number)

    def window(self, after: int) -> Any:  # noqa: ANN401 - a type of another package, see luggage.py
        """What came after a place in the ledger."""
        asked = luggage.part("window")
        return asked.read(database.ask(places.app_of(self.app), asked.since(after)))


def _report(event: Event) -> None:
    print(json.dumps({"event": asdict(event)}), flush=True)  # noqa: T201 - this is how it answers
