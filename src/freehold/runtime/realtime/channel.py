"""One client's place on one channel."""

import asyncio
import logging
import time
from typing import Protocol

import orjson

from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.realtime import authorise, feed, frames, limits, replay
from freehold.runtime.realtime.authorise import EVERYTHING, Rights
from freehold.runtime.realtime.changes import subscribe
from freehold.runtime.realtime.changes.bindings import Binding
from freehold.runtime.realtime.changes.subscribe import NotSubscribed
from freehold.runtime.realtime.changes.visible import Identity
from freehold.runtime.realtime.frames import Push
from freehold.runtime.realtime.hub import Hub
from freehold.runtime.realtime.joins import PREFIX, Join
from freehold.runtime.realtime.limits import Allowance
from freehold.runtime.session import Caller

SUBSCRIBE_AGAIN_SECONDS = 5.0
WAIT_SECONDS = 15.0
RECHECK_SECONDS = 300.0
NOT_READABLE = "Unauthorized: You do not have permissions to read from this Channel topic: "
BUSY = (ConnectionLost, DatabaseError, PoolExhausted, TimeoutError)
_log = logging.getLogger("freehold.realtime")


class Refusal(Exception):
    """The client may not have this; the message is for it."""


class Line(Protocol):
    """The socket, as a channel needs it."""

    version: str
    headers: dict[str, str]

    def put(self, frame: str | bytes) -> None:
        """Send this when its turn comes; never blocks."""

    def part(self, channel: "Channel") -> None:
        """Forget the channel."""


class Channel:
    """Made by a join that was accepted; ended by `close`."""

    def __init__(self, line: Line, hub: Hub, join: Join, join_ref: str | None, caller: Caller) -> None:
        """Nothing is heard before `open`."""
        self.join = join
        self.join_ref = join_ref
        self.caller = caller
        self.client = hub.new_client()
        self._line = line
        self._hub = hub
        self._rights = Rights(broadcast=False, presence=False)
        self._may_write: dict[str, bool] = {}
        self._presence_on = join.presence_enabled
        self._presence_calls = Allowance(limits.PRESENCE_CALLS, limits.PRESENCE_WINDOW_SECONDS)
        self._backlog = replay.Backlog(wanted=join.replay_since_ms is not None)
        self._bindings: list[Binding] = []
        self._subscribing: asyncio.Task[None] | None = None
        self._checked_at = 0.0
        self._closed = False

    @property
    def identity(self) -> Identity:
        """Whose rights decide which changes are told."""
        return self.caller.role, self.caller.claims_json

    @property
    def is_closed(self) -> bool:
        """Whether it was left or ended."""
        return self._closed

    @property
    def topic(self) -> str:
        """As the client writes it."""
        return PREFIX + self.join.topic

    async def open(self, ref: str | None) -> None:
        """Accept the join: answer, then send what is there already. Raises Refusal."""
        self._rights = await self._read_rights()
        if self.join.bindings and self.join.wait_for_changes:
            await self._subscribed_in_time()
        if self._closed:  # its token ran out meanwhile, which has been told
            self._listen_to([])
            return
        self.reply(ref, "ok", {"postgres_changes": [{**one.asked, "id": one.id} for one in self.join.bindings]})
        self._hub.enter(self)
        if self._presence_on and self._rights.presence:
            self.push("presence_state", self._hub.presences.state(self.join.room))
        if self.join.replication_ready:
            self.system("broadcast", "ok", "Replication connection established")
        if self.join.replay_since_ms is not None:
            await self._replay(self.join.replay_since_ms)
        if self.join.bindings and not self._bindings:
            self._subscribing = asyncio.create_task(self._subscribe())

    async def be(self, caller: Caller) -> None:
        """Go on as this caller: rights and subscriptions are decided anew. Raises Refusal."""
        before, self.caller = self.identity, caller
        self._may_write.clear()
        self._rights = await self._read_rights()
        if self.join.bindings and before[0] != caller.role:
            # What it listens to stays until the new role's subscription stands: nothing may be missed in between.
            if self._subscribing is not None:
                self._subscribing.cancel()
            self._subscribing = asyncio.create_task(self._subscribe())

    async def recheck(self, now: float) -> None:
        """End what may not go on: a token that has expired, a private channel whose policies say no by now."""
        expires = self.caller.claims.get("exp")
        if isinstance(expires, int | float) and expires <= now:
            self.end(f"Token has expired {int(now - expires)} seconds ago")
        elif self.join.private and now - self._checked_at > RECHECK_SECONDS:
            self._may_write.clear()
            try:
                self._rights = await self._read_rights()
            except Refusal as refusal:
                self.end(str(refusal))

    async def hear(self, push: Push) -> None:
        """Take a broadcast or presence call of this client."""
        if push.event == "broadcast":
            await self._broadcast(push)
        elif push.event == "presence":
            await self._presence(push)
        else:
            self.reply(push.ref, "error", {"reason": "unknown event"})

    def tell_broadcast(self, frame: str | bytes | None, message_id: str = "") -> None:
        """Send a broadcast that was written for this protocol version, if this client may receive it."""
        if frame is not None and self._rights.broadcast and self._backlog.passes(frame, message_id):
            self._line.put(frame)

    def tell_presence(self, diff: object) -> None:
        """Send who came and went."""
        if self._presence_on and self._rights.presence:
            self.push("presence_diff", diff)

    def tell_change(self, ids: list[int], data: bytes) -> None:
        """Send a change of the database."""
        if not self._closed:
            self.push("postgres_changes", {"ids": ids, "data": orjson.Fragment(data)})

    @property
    def version(self) -> str:
        """The client's protocol."""
        return self._line.version

    def push(self, event: str, payload: object) -> None:
        """Send an event of this channel."""
        self._line.put(frames.message(self._line.version, self.topic, event, payload, join_ref=self.join_ref))

    def reply(self, ref: str | None, status: str, response: object) -> None:
        """Answer one push."""
        payload = {"status": status, "response": response}
        text = frames.message(self._line.version, self.topic, "phx_reply", payload, ref=ref, join_ref=self.join_ref)
        self._line.put(text)

    def system(self, extension: str, status: str, message: str) -> None:
        """Tell the client about the channel itself."""
        self.push("system", {"extension": extension, "status": status, "message": message, "channel": self.join.topic})

    def end(self, reason: str) -> None:
        """Tell why, and close."""
        self.system("system", "error", reason)
        self.push("phx_close", {})
        self.close()

    def close(self) -> None:
        """Leave; called twice, the second changes nothing."""
        if not self._closed:
            self._closed = True
            if self._subscribing is not None:
                self._subscribing.cancel()
            self._listen_to([])
            self._hub.leave(self)
            self._line.part(self)

    async def _read_rights(self) -> Rights:
        self._checked_at = time.time()
        if not self.join.private:
            return EVERYTHING
        refusal = Refusal(NOT_READABLE + self.join.topic)
        try:
            rights = await authorise.may_read(self._hub.pool, self.caller, self.join.topic, self._line.headers)
        except DatabaseError as error:
            raise refusal from error
        except BUSY as error:
            raise Refusal("the database cannot be reached, try again") from error
        if not rights.broadcast:
            raise refusal
        return rights

    async def _may(self, extension: str) -> bool:
        if not self.join.private:
            return True
        if extension not in self._may_write:
            allowed = authorise.may_write(self._hub.pool, self.caller, self.join.topic, extension, self._line.headers)
            try:
                self._may_write[extension] = await allowed
            except BUSY:
                return False
        return self._may_write[extension] and not self._closed

    async def _broadcast(self, push: Push) -> None:
        sent = push.said()
        if len(sent.content) > limits.BROADCAST_LIMIT_BYTES:
            self.reply(push.ref, "error", {"reason": "Payload is too large"})
            return
        if not await self._may("broadcast"):
            if self.join.broadcast_ack:
                reason = f"You do not have permissions to write to this Channel topic: {self.join.topic}"
                self.reply(push.ref, "error", {"reason": reason})
            return
        self._hub.broadcast(self.join.room, sent, None if self.join.broadcast_self else self)
        if self.join.broadcast_ack:
            self.reply(push.ref, "ok", {})

    async def _presence(self, push: Push) -> None:
        kind = str(push.payload.get("event", "")).lower()
        if not self._presence_calls.take():
            self.end("ClientPresenceRateLimitReached: Too many presence messages")
            return
        if kind not in {"track", "untrack"}:
            self.reply(push.ref, "error", {"reason": "unknown presence event"})
        elif not await self._may("presence"):
            self.reply(push.ref, "error", {"reason": "You do not have permissions to write presence"})
        elif kind == "untrack":
            self._hub.untrack(self)
            self.reply(push.ref, "ok", {})
        else:
            self._switch_presence_on()
            payload = push.payload.get("payload")
            self._hub.track(self, payload if isinstance(payload, dict) else {})
            self.reply(push.ref, "ok", {})

    def _switch_presence_on(self) -> None:
        if not self._presence_on:
            self._presence_on = True
            if self._rights.presence:
                self.push("presence_state", self._hub.presences.state(self.join.room))

    async def _subscribe(self) -> None:
        """Listen for changes; what is wrong is told, and tried again, as a table may be published later."""
        told = ""
        while not self._closed:
            try:
                await self._listen()
            except NotSubscribed as problem:
                self._listen_to([])
                if told != str(problem):
                    told = str(problem)
                    self.system("postgres_changes", "error", told)
            except BUSY as error:
                _log.warning("a subscription waits for the database: %s", error)
            else:
                self.system("postgres_changes", "ok", feed.SUBSCRIBED)
                return
            await asyncio.sleep(SUBSCRIBE_AGAIN_SECONDS)

    async def _listen(self) -> None:
        checked = await subscribe.check(self._hub.pool, self.identity, self.join.bindings)
        self._listen_to(checked)
        problem = await self._hub.feed.changes_ready()
        if problem:
            raise NotSubscribed(problem)

    async def _subscribed_in_time(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._listen()
        except NotSubscribed as problem:
            raise Refusal(f"RealtimeDisabledForConfiguration: {problem}") from problem
        except BUSY as error:
            raise Refusal("PostgresChangesSubscribeTimeout: the subscription was not ready in time") from error

    def _listen_to(self, wanted: list[Binding]) -> None:
        for binding in self._bindings:
            self._hub.feed.index.remove(self, binding)
        self._bindings = wanted
        for binding in wanted:
            self._hub.feed.index.add(self, binding)
        self._hub.feed.interest_changed()

    async def _replay(self, since_ms: int) -> None:
        try:
            known, earlier = await replay.earlier(self._hub.pool, self.join, since_ms)
        except BUSY as error:
            _log.warning("replay failed: %s", error)
            known, earlier = [], []
        waited = self._backlog.opened(known)
        replayed = [(frames.broadcast(self.version, self.topic, sent), "") for sent in earlier]
        for frame, message_id in [*replayed, *waited]:
            self.tell_broadcast(frame, message_id)
