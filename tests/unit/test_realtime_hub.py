"""What a process's hub makes of what the other processes tell."""

import asyncio
from typing import Any

from freehold.runtime.bus import ALONE, Bus
from freehold.runtime.realtime import joins
from freehold.runtime.realtime.feed import LOST, SUBSCRIBED
from freehold.runtime.realtime.hub import Hub

ROOM = (False, "room")
ASKED = {"config": {"postgres_changes": [{"event": "*", "schema": "public", "table": "notes"}]}}


class Member:
    """A channel that keeps what it is told of itself."""

    client, version, identity, is_closed = "c", "2.0.0", ("anon", "{}"), False

    def __init__(self) -> None:
        self.join = joins.read("realtime:room", ASKED)
        self.told: list[tuple[str, str]] = []

    def system(self, _: str, status: str, message: str) -> None:
        self.told.append((status, message))


def _hub(**more: Any) -> Hub:
    return Hub(None, Bus(), **more)  # type: ignore[arg-type]


async def test_a_leader_that_is_lost_twice_in_a_row_makes_nobody_absent_who_is_there() -> None:
    hub = _hub(grace_seconds=0.2)
    for worker in ("there", "gone"):
        hub.presences.track(ROOM, worker, worker, {}, worker)
    for _ in range(2):
        hub.bus._handle(ALONE, {}, hub.bus.worker)
        hub.bus._handle("track", {"who": hub.presences.of_worker("there")}, "there")
    async with asyncio.timeout(60):
        while "gone" in hub.presences.state(ROOM):  # noqa: ASYNC110 - a timer tells nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.4)
    assert set(hub.presences.state(ROOM)) == {"there"}


async def test_who_is_told_that_changes_are_followed_as_the_leader_stops_is_told_of_the_gap() -> None:
    hub, member = _hub(), Member()
    hub.bus._handle("ready", {"problem": ""}, "leader")
    assert await hub.feed.changes_ready() == ""
    hub.enter(member)  # type: ignore[arg-type]
    hub.feed.index.add(member, member.join.bindings[0])  # type: ignore[arg-type]
    hub.bus._handle("ready", {"problem": None}, "leader")
    assert member.told == [("error", LOST)]
    hub.bus._handle("ready", {"problem": ""}, "leader")
    assert member.told[1:] == [("ok", SUBSCRIBED)]
