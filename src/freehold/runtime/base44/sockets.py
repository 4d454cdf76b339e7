"""/ws-user-apps/socket.io: rooms of entities and conversations. Each change is shown to those who may read it only."""

import asyncio
import contextlib
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from freehold.platform.entities import names, rules
from freehold.platform.entities.schema import Entity
from freehold.runtime import waiting
from freehold.runtime.base44 import documents, engine, identity
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Refusal
from freehold.runtime.base44.identity import Who
from freehold.runtime.base44.params import Params
from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted, Statement, notifications
from freehold.runtime.services import Receive, Scope, Send

CHANNEL = "base44_change"
CONVERSATION = "agents/conversation"
"""As what the database announces a message of a conversation."""
ROOMS_A_SOCKET = 100
LONGEST_ROOM = 300
FRAMES_WAITING = 500
LARGEST_RECORD_BYTES = 500_000
LONG_TEXT = 10_000
RECONNECT_SECONDS = 1.0
HEARS_WITHIN_SECONDS = 20.0
"""So long a client is not told that it is connected while changes are not heard yet; then the database is away."""
FORGET_SECONDS = 60.0
TROUBLES = (ConnectionLost, DatabaseError, PoolExhausted, OSError, TimeoutError)
_log = logging.getLogger("freehold.base44")


@dataclass(eq=False)
class Member:
    """One socket; `frames` waits to be written, None ends it."""

    who: Who
    frames: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(FRAMES_WAITING))
    rooms: set[str] = field(default_factory=set)

    def tell(self, frame: str | None) -> None:
        """Queue a frame; a client that does not keep up is let go, and comes back by itself."""
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(None)


class Sockets:
    """All sockets of this process."""

    def __init__(self, context: Context) -> None:
        """Nothing is listened to before `start`."""
        self._context = context
        self._rooms: dict[str, set[Member]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._hears = asyncio.Event()
        self._last: int | None = None
        """The newest change that was shown, or that was there before anybody listened; None before that is known."""
        self._caught_up: frozenset[int] = frozenset()
        """What was shown after a gap: it may be announced as well."""

    async def start(self) -> None:
        """Listen for changes from now on."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._forget())]

    async def stop(self) -> None:
        """Let every client go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for member in {member for room in self._rooms.values() for member in room}:
            member.tell(None)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket to its end."""
        await receive()
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        await waiting.happens(self._hears, HEARS_WITHIN_SECONDS)
        await send({"type": "websocket.accept"})
        sid = secrets.token_urlsafe(12)
        await send({"type": "websocket.send", "text": engine.opening(sid)})
        try:
            member = Member(who=self._who(query))
        except Refusal:
            await send({"type": "websocket.send", "text": engine.refused("Unauthorized")})
            await send({"type": "websocket.close", "code": 1008})
            return
        writer = asyncio.create_task(_write(member, send))
        try:
            await self._read(member, sid, receive)
        finally:
            for room in member.rooms:
                self._leave(member, room)
            member.tell(None)
            with contextlib.suppress(OSError, RuntimeError):
                await writer

    def _who(self, query: dict[str, str]) -> Who:
        token = query.get("token", "")
        return identity.of_token(self._context.services.sessions, token if token not in ("null", "undefined") else "")

    async def _read(self, member: Member, sid: str, receive: Receive) -> None:
        """Read frames until the client goes, or does not answer a ping."""
        waiting = engine.PING_SECONDS + engine.PING_WITHIN_SECONDS
        pinging = asyncio.create_task(_ping(member))
        try:
            while True:
                async with asyncio.timeout(waiting):
                    message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
                frame = message.get("text") or ""
                if len(frame) > engine.LARGEST_FRAME_BYTES or frame in ("1", engine.DISCONNECT):
                    return
                self._answer(member, sid, frame)
        except TimeoutError:
            return
        finally:
            pinging.cancel()

    def _answer(self, member: Member, sid: str, frame: str) -> None:
        if frame.startswith(engine.CONNECT):
            member.tell(engine.connected(sid))
            return
        event = engine.read_event(frame)
        if event is None or not event.arguments or not isinstance(event.arguments[0], str):
            return
        room = event.arguments[0]
        if event.name == "join" and len(member.rooms) < ROOMS_A_SOCKET and len(room) <= LONGEST_ROOM:
            member.rooms.add(room)
            self._rooms[room].add(member)
        elif event.name == "leave":
            member.rooms.discard(room)
            self._leave(member, room)
        if event.acknowledge:
            member.tell(f"43{event.acknowledge}[]")

    def _leave(self, member: Member, room: str) -> None:
        self._rooms[room].discard(member)
        if not self._rooms[room]:
            del self._rooms[room]

    async def _listen(self) -> None:
        """Hear of changes; after a broken connection those that were missed are read again. Each is shown once."""
        dsn = self._context.services.settings.rest_dsn
        while True:
            try:
                async for payload in notifications(dsn, CHANNEL):
                    if not payload:
                        await self._catch_up()
                    elif int(payload) not in self._caught_up:
                        await self._show([int(payload)])
                        self._last = max(self._last or 0, int(payload))
            except TROUBLES as error:
                _log.warning("changes are not heard: %s", error)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _catch_up(self) -> None:
        """Show what was missed since the last change; what was there before the first time is nobody's news."""
        sql = "select base44.changes_after($1::bigint)"
        last = self._last or 0
        (result,) = await self._context.pool.run([(sql, [str(max(1, last)).encode()])])
        missed = [int(row[0] or b"0") for row in result.rows]
        if self._last is not None:
            # The function gives none before the second.
            self._caught_up = await self._show(missed if last else [1, *missed])
        self._last = max([last, *missed])
        self._hears.set()

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            with contextlib.suppress(*TROUBLES):
                await self._context.pool.run([("select base44.forget_changes()", ())])

    async def _show(self, wanted: list[int]) -> frozenset[int]:
        """Show these changes to whoever may read them; gives those that are there."""
        if not self._rooms or not wanted:
            return frozenset()
        sql = "select entity, kind, record_id, record, at, id from base44.changes($1::bigint[])"
        text = "{" + ",".join(map(str, wanted)) + "}"
        (result,) = await self._context.pool.run([(sql, [text.encode()])])
        for row in result.rows:
            entity, kind, record_id, record, at = ((value or b"").decode() for value in row[:5])
            with contextlib.suppress(Refusal):
                if entity == CONVERSATION:
                    await self._tell_message(record_id, record)
                    continue
                await self._tell(await self._context.catalog.entity(entity), kind, record_id, record, at)
        return frozenset(int(row[5] or b"0") for row in result.rows)

    async def _tell(self, entity: Entity, kind: str, record_id: str, record: str, at: str) -> None:
        """Show one change: the record is looked at once for each caller among the members, by the rule for reading."""
        for room, member_set in list(self._rooms.items()):
            if _entity_of(room) != entity.name.lower():
                continue
            for who, members in _by_caller(member_set):
                try:
                    (result,) = await self._context.run(who, [_as_read(entity, record, service=who.service)])
                except TROUBLES as error:
                    _log.warning("a change of %s was not shown to one caller: %s", entity.name, error)
                    continue
                if not result.rows:
                    continue
                data = _slim(orjson.loads(result.rows[0][0] or b"{}"))
                event = {"type": kind, "data": data, "id": record_id, "timestamp": at}
                frame = engine.emitted("update_model", {"room": room, "data": orjson.dumps(event).decode()})
                for member in members:
                    member.tell(frame)

    async def _tell_message(self, conversation: str, message: str) -> None:
        """Show a message to those who may read its conversation."""
        room = f"/agent-conversations/{conversation}"
        event = orjson.dumps({"_message": orjson.Fragment(message)}).decode()
        frame = engine.emitted("update_model", {"room": room, "data": event})
        sql = "select from base44.conversation where id = $1"
        for who, members in _by_caller(self._rooms.get(room, ())):
            with contextlib.suppress(Refusal, *TROUBLES):  # whoever has no right to any conversation is refused
                (result,) = await self._context.run(who, [(sql, [conversation.encode()])])
                for member in members if result.rows else ():
                    member.tell(frame)


def _as_read(entity: Entity, record: str, *, service: bool) -> Statement:
    params = Params()
    allowed = "true" if service else rules.allows(entity, rules.rules_of(entity)["read"])
    text = documents.document(entity, service=service)
    row = f"jsonb_populate_record(null::{names.table(entity)}, {params.json(orjson.Fragment(record))})"
    return f"select {text} from {row} where {allowed}", params.values


def _entity_of(room: str) -> str:
    kind, _, rest = room.partition(":")
    return rest.partition(":")[2].lower() if kind == "entities" else ""


def _by_caller(members: Iterable[Member]) -> list[tuple[Who, list[Member]]]:
    found: dict[str, tuple[Who, list[Member]]] = {}
    for member in members:
        found.setdefault(member.who.caller.claims_json, (member.who, []))[1].append(member)
    return list(found.values())


def _slim(record: dict[str, Any]) -> dict[str, Any]:
    """Empty the long texts of a record that is too large for a frame, and say so."""
    if len(orjson.dumps(record)) <= LARGEST_RECORD_BYTES:
        return record
    short = {key: "" if isinstance(value, str) and len(value) > LONG_TEXT else value for key, value in record.items()}
    if len(orjson.dumps(short)) > LARGEST_RECORD_BYTES:
        short = {"id": record.get("id")}
    return short | {"_oversize": True}


async def _write(member: Member, send: Send) -> None:
    """Write frames in order; the last is the end."""
    while (frame := await member.frames.get()) is not None:
        await send({"type": "websocket.send", "text": frame})
    with contextlib.suppress(RuntimeError, OSError):
        await send({"type": "websocket.close", "code": 1000})


async def _ping(member: Member) -> None:
    while True:
        await asyncio.sleep(engine.PING_SECONDS)
        member.tell(engine.PING)
