"""This server as a target, for the flows that run on it: what they ask is done here, without a journey."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freehold.core.event import Event
from freehold.core.release import Check, Lease, Standing, Traffic
from freehold.core.target import Switching
from freehold.core.trail import Act
from freehold.targets.recorded import Recorded
from freehold.targets.records import Records
from freehold.targets.server.remote import database, luggage, places, releases, serving, state
from freehold.targets.server.remote.places import App


def rollback(app: str, target: str, order: Mapping[str, Mapping[str, Any]]) -> None:
    """Go back as flows/way_back.py does; raises LockHeld at once."""
    place = _place(app)
    here: Switching = Here(place, target)
    wish, holder = luggage.part("wish")(**order["wish"]), luggage.part("holder")(**order["holder"])
    luggage.part("go_back")(here, wish, holder, lambda after: _window(place, after), _report)


def arrive(app: str, target: str, order: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the traffic to a release that was recorded, as flows/arrival.py does."""
    here: Switching = Here(_place(app), target)
    act = Act(**{**order["act"], "plan": tuple(order["act"]["plan"])})
    luggage.part("arrive")(here, luggage.part("arrival")(**order["arrival"]), Lease(**order["lease"]), act, _report)


@dataclass(frozen=True)
class Here(Recorded):
    """A Switching, see core/target.py."""

    place: App
    name: str

    @property
    def address(self) -> str:
        """Where users find the app."""
        return str(state.settings(self.place)["address"])

    def releases(self) -> tuple[Standing, ...]:
        """Every release here."""
        return releases.stand(self.place)

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Start it and look."""
        return serving.look(self.place, lease, number)

    def switch(self, lease: Lease, number: int) -> None:
        """One rename."""
        serving.turn(self.place, lease, number)

    def traffic(self, number: int) -> Traffic:
        """What it has answered."""
        return serving.counted(self.place, number)

    def remove(self, lease: Lease, number: int) -> None:
        """Stop and delete it."""
        releases.take_away(self.place, lease, number)

    @property
    def _records(self) -> Records:
        return releases.records(self.place)


def _place(app: str) -> App:
    """Raises NotRunning for an app that is not here."""
    place = places.app_of(app)
    state.settings(place)
    return place


def _window(place: App, after: int) -> Any:  # noqa: ANN401 - a type of another package, see luggage.py
    """What came after a place in the ledger."""
    asked = luggage.part("window")
    return asked.read(database.ask(place, asked.since(after)))


def _report(event: Event) -> None:
    """Tell whoever asked; when the line is cut nobody listens, and what was begun goes on."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"event": asdict(event)}), flush=True)  # noqa: T201 - this is how it answers
