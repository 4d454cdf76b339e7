"""Changes of the database in one process: who listens, what came from the leader, and whether they are followed."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from freehold.runtime.bus import ALONE, JOINED, LEFT, Body, Bus
from freehold.runtime.database import ConnectionLost, DatabaseError, Pool, PoolExhausted
from freehold.runtime.realtime.changes import deliver, pgoutput
from freehold.runtime.realtime.changes.bindings import Index
from freehold.runtime.realtime.changes.deliver import Listener
from freehold.runtime.realtime.changes.pgoutput import Change

CHANGES_A_BATCH = 500
TRIES = 6
SUBSCRIBED = "Subscribed to PostgreSQL"
LOST = "Changes of the database were lost: read the tables again"
_log = logging.getLogger("freehold.realtime")


class Told(Protocol):
    """A channel that has asked for changes."""

    def system(self, extension: str, status: str, message: str) -> None:
        """Tell the client about the channel itself."""


class Feed:
    """One a process. In the leader it is the outlet of the reader (source.Outlet)."""

    def __init__(self, pool: Pool, bus: Bus, listeners: Callable[[], Iterable[Told]]) -> None:
        """Listen to the bus; `run` hands changes out. `listeners` gives the channels that have asked for any."""
        self.index: Index[Listener] = Index()
        self.on_interest: Callable[[], None] = _nothing
        self._pool = pool
        self._bus = bus
        self._listeners = listeners
        self._changes: asyncio.Queue[list[Change]] = asyncio.Queue()
        self._position = (0, 0)
        self._confirmed = (0, 0)
        self._interest: dict[str, bool] = {}
        self._told_interest = False
        self._gap_told = False
        self._problem: str | None = None
        self._ready = asyncio.Event()
        for kind, handler in self._handlers().items():
            bus.on(kind, handler)

    async def run(self) -> None:
        """Hand changes out, in their order, for ever."""
        while True:
            changes = await self._changes.get()
            while len(changes) < CHANGES_A_BATCH and not self._changes.empty():
                changes = [*changes, *self._changes.get_nowait()]
            await self._deliver(changes)

    def interest_changed(self) -> None:
        """Tell the leader whether anybody here listens to changes."""
        wanted = self.index.size > 0
        if wanted != self._told_interest:
            self._told_interest = wanted
            self._bus.send("interest", {"wanted": wanted})
            self.on_interest()

    async def changes_ready(self) -> str:
        """Wait until changes are followed; give what keeps them from it, "" for nothing."""
        await self._ready.wait()
        return self._problem or ""

    def wanted(self) -> bool:
        """Whether anybody, in any process, listens to changes."""
        return self.index.size > 0 or any(self._interest.values())

    async def changes(self, changes: list[Change]) -> None:
        """Hand changes to every process; returns when all have them."""
        self._take(changes)
        body = {"changes": [change.plain() for change in changes], "confirmed": self._confirmed}
        await self._bus.confirmed("changes", body)
        self._confirmed = (changes[-1].lsn, changes[-1].number)

    def ready(self, problem: str) -> None:
        """Changes are followed, or cannot be."""
        self._set_ready(problem)
        self._bus.send("ready", {"problem": problem})

    def closed(self) -> None:
        """Changes are not followed."""
        self._set_ready(None)
        self._bus.send("ready", {"problem": None})

    def gap(self) -> None:
        """Tell every client that listens."""
        self._tell_gap()
        self._bus.send("gap", {})

    def _handlers(self) -> dict[str, Any]:
        return {
            JOINED: self._on_joined,
            LEFT: lambda body, _: self._interest.pop(body["worker"], None),
            ALONE: lambda _, __: self._interest.clear(),
            "confirmed": lambda body, _: self._on_confirmed(body["confirmed"]),
            "interest": self._on_interest,
            "changes": self._on_changes,
            "ready": self._on_ready,
            "gap": lambda _, __: self._tell_gap(),
        }

    def _on_joined(self, _: Body, __: str) -> None:
        """A process has come, or this one has found its leader: each tells the other what it has."""
        self._bus.send("interest", {"wanted": self.index.size > 0})
        if self._bus.leads:
            self._bus.send("confirmed", {"confirmed": self._confirmed})
        if self._bus.leads and self._ready.is_set():
            self._bus.send("ready", {"problem": self._problem})

    def _on_interest(self, body: Body, origin: str) -> None:
        self._interest[origin] = body["wanted"]
        self.on_interest()

    def _on_changes(self, body: Body, _: str) -> None:
        self._on_confirmed(body["confirmed"])
        self._take(pgoutput.changes_from(body["changes"]))

    def _on_confirmed(self, confirmed: list[int]) -> None:
        """What is off the slot and was not here will not come again: this process was cut off meanwhile."""
        self._confirmed = (confirmed[0], confirmed[1])
        if (0, 0) < self._position < self._confirmed:
            self._position = self._confirmed
            self._tell_gap()

    def _on_ready(self, body: Body, _: str) -> None:
        """The leader follows changes, or no more: who was told here meanwhile that they are followed has a gap."""
        if body["problem"] is None and self.index.size and not self._gap_told:
            self._tell_gap()
        self._set_ready(body["problem"])

    def _set_ready(self, problem: str | None) -> None:
        self._problem = problem
        if problem is None:
            self._ready.clear()
            return
        self._ready.set()
        if self._gap_told and not problem:
            self._gap_told = False
            self._tell_listeners("ok", SUBSCRIBED)

    def _tell_gap(self) -> None:
        """Say that changes were lost; once they are followed again, `_set_ready` says so."""
        self._gap_told = True
        self._tell_listeners("error", LOST)

    def _tell_listeners(self, status: str, message: str) -> None:
        for channel in self._listeners():
            channel.system("postgres_changes", status, message)

    def _take(self, changes: list[Change]) -> None:
        """Queue what this process has not had yet: a new leader reads again what the last one may not have sent."""
        fresh = [change for change in changes if (change.lsn, change.number) > self._position]
        if fresh:
            self._position = (fresh[-1].lsn, fresh[-1].number)
            if self.index.size:
                self._changes.put_nowait(fresh)

    async def _deliver(self, changes: list[Change]) -> None:
        for attempt in range(TRIES):
            try:
                await deliver.deliver(self._pool, self.index, changes)
            except (ConnectionLost, PoolExhausted, DatabaseError, TimeoutError) as error:
                _log.warning("changes wait for the database: %s", error)
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                return
        self._tell_gap()


def _nothing() -> None:
    """Nobody asks."""
