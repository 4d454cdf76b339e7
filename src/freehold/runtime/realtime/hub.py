"""All channels of this process, and what other processes tell them: broadcasts, presence, and changes by the feed."""

import asyncio
import base64
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from freehold.runtime.bus import ALONE, JOINED, LEFT, Body, Bus
from freehold.runtime.database import Pool
from freehold.runtime.realtime import frames
from freehold.runtime.realtime.changes.deliver import Listener
from freehold.runtime.realtime.feed import Feed, Told
from freehold.runtime.realtime.frames import UserBroadcast
from freehold.runtime.realtime.joins import PREFIX, Join
from freehold.runtime.realtime.presence import Diff, Presences, Room

PRESENCE_GRACE_SECONDS = 10.0
REMEMBERED_MESSAGES = 10_000


class Member(Listener, Told, Protocol):
    """A channel, as the hub needs it."""

    join: Join
    client: str

    @property
    def version(self) -> str:
        """The client's protocol."""

    def tell_broadcast(self, frame: str | bytes | None, message_id: str = "") -> None:
        """Send a broadcast; what SQL sent has the id of its row."""

    def tell_presence(self, diff: object) -> None:
        """Send who came and went."""


class Hub:
    """One a process."""

    def __init__(self, pool: Pool, bus: Bus, *, grace_seconds: float = PRESENCE_GRACE_SECONDS) -> None:
        """Listen to the bus. Clients of other processes may be unheard of for the grace, when the leader is lost."""
        self.pool = pool
        self._grace_seconds = grace_seconds
        self.bus = bus
        self.presences = Presences()
        self.feed = Feed(pool, bus, self._listeners)
        self._rooms: dict[Room, set[Member]] = {}
        self._numbers = itertools.count(1)
        self._messages: OrderedDict[str, None] = OrderedDict()
        self._heard: set[str] | None = None
        self._lost: asyncio.TimerHandle | None = None
        self.snapshot = ""
        """What the last reader of broadcasts from SQL had seen."""
        for kind, handler in self._handlers().items():
            bus.on(kind, handler)

    def new_client(self) -> str:
        """A name for a channel that no other process gives."""
        return f"{self.bus.worker}.{next(self._numbers)}"

    def enter(self, member: Member) -> None:
        """Let a channel hear what is said in its room."""
        self._rooms.setdefault(member.join.room, set()).add(member)

    def leave(self, member: Member) -> None:
        """Let it hear no more; if it was present, the others are told."""
        members = self._rooms.get(member.join.room, set())
        members.discard(member)
        if not members:
            self._rooms.pop(member.join.room, None)
        self.untrack(member)

    def broadcast(self, room: Room, sent: UserBroadcast, sender: Member | None) -> None:
        """Tell everybody in a room, here and elsewhere, but not the sender."""
        self._tell(room, sent, sender)
        content = sent.content.decode() if sent.is_json else base64.b64encode(sent.content).decode()
        body = {"room": room, "event": sent.event, "content": content, "json": sent.is_json, "meta": sent.meta}
        self.bus.send("broadcast", body)

    def track(self, member: Member, payload: dict[str, Any]) -> None:
        """Let a channel's client be present."""
        diff = self.presences.track(member.join.room, member.client, member.join.presence_key, payload, self.bus.worker)
        self._tell_diff(member.join.room, diff)
        self.bus.send("track", {"who": [self._presence_of(member)]})

    def untrack(self, member: Member) -> None:
        """Let it be absent."""
        diff = self.presences.untrack(member.join.room, member.client)
        if diff:
            self._tell_diff(member.join.room, diff)
            self.bus.send("untrack", {"room": member.join.room, "client": member.client})

    def sql_broadcasts(self, snapshot: str, messages: list[dict[str, Any]]) -> None:
        """Hand on broadcasts that SQL has sent; those that were handed on before a new leader came are known."""
        self._hear_sql(messages)
        self.bus.send("sql", {"snapshot": snapshot, "messages": messages})
        self.snapshot = snapshot

    def _handlers(self) -> dict[str, Any]:
        return {
            JOINED: self._on_joined,
            ALONE: self._on_alone,
            LEFT: self._on_left,
            "broadcast": self._on_broadcast,
            "track": self._on_track,
            "untrack": self._on_untrack,
            "sql": self._on_sql,
        }

    def _on_joined(self, _: Body, origin: str) -> None:
        """A process has come, or this one has found its leader: each tells the other what it has."""
        del origin
        self.bus.send("track", {"who": self.presences.of_worker(self.bus.worker)})
        if self.bus.leads and self.snapshot:
            self.bus.send("sql", {"snapshot": self.snapshot, "messages": []})

    def _on_left(self, body: Body, _: str) -> None:
        self._forget_presences(body["worker"])

    def _listeners(self) -> list[Member]:
        return [member for room in self._rooms.values() for member in room if member.join.bindings]

    def _forget_presences(self, worker: str) -> None:
        for room, diff in self.presences.drop_worker(worker):
            self._tell_diff(room, diff)

    def _on_alone(self, _: Body, __: str) -> None:
        """The leader went: wait for those who find the next one, and let the others' clients be gone."""
        self._heard = set()
        if self._lost is not None:
            self._lost.cancel()
        self._lost = asyncio.get_running_loop().call_later(self._grace_seconds, self._forget_lost_workers)

    def _forget_lost_workers(self) -> None:
        heard, self._heard = self._heard or set(), None
        for worker in self.presences.workers() - heard - {self.bus.worker}:
            self._forget_presences(worker)

    def _on_broadcast(self, body: Body, _: str) -> None:
        content = body["content"].encode() if body["json"] else base64.b64decode(body["content"])
        self._tell(
            (body["room"][0], body["room"][1]), UserBroadcast(body["event"], content, body["json"], body["meta"])
        )

    def _on_track(self, body: Body, origin: str) -> None:
        if self._heard is not None:
            self._heard.add(origin)
        for one in body["who"]:
            room = (one["private"], one["topic"])
            self._tell_diff(room, self.presences.track(room, one["client"], one["key"], one["payload"], origin))

    def _on_untrack(self, body: Body, _: str) -> None:
        room = (body["room"][0], body["room"][1])
        self._tell_diff(room, self.presences.untrack(room, body["client"]))

    def _on_sql(self, body: Body, _: str) -> None:
        self._hear_sql(body["messages"])
        self.snapshot = body["snapshot"]

    def _hear_sql(self, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            if message["id"] in self._messages:
                continue
            self._messages[message["id"]] = None
            if len(self._messages) > REMEMBERED_MESSAGES:
                self._messages.popitem(last=False)
            room = (bool(message["private"]), message["topic"])
            self._tell(room, _from_sql(message), message_id=message["id"])

    def _tell(self, room: Room, sent: UserBroadcast, sender: Member | None = None, message_id: str = "") -> None:
        written: dict[str, str | bytes | None] = {}
        for member in list(self._rooms.get(room, ())):
            if member is not sender:
                if member.version not in written:
                    written[member.version] = frames.broadcast(member.version, PREFIX + room[1], sent)
                member.tell_broadcast(written[member.version], message_id)

    def _tell_diff(self, room: Room, diff: Diff) -> None:
        if diff:
            for member in list(self._rooms.get(room, ())):
                member.tell_presence({"joins": diff.joins, "leaves": diff.leaves})

    def _presence_of(self, member: Member) -> dict[str, Any]:
        presence = self.presences.of_client(member.join.room, member.client)
        private, topic = member.join.room
        own = {"private": private, "topic": topic, "client": member.client}
        return {**own, "key": presence.key, "payload": presence.meta}


def _from_sql(message: dict[str, Any]) -> UserBroadcast:
    meta = {"id": message["id"]}
    event = message["event"] or ""
    if message["binary"] is not None:
        return UserBroadcast(event, base64.b64decode(message["binary"]), is_json=False, meta=meta)
    return UserBroadcast(event, orjson.dumps(message["payload"]), meta=meta)
