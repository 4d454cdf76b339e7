"""One client's connection: reads its frames, keeps its channels, and sends what waits without ever waiting for it."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Any

from freehold.runtime.realtime import frames, joins, limits
from freehold.runtime.realtime.channel import Channel, Refusal
from freehold.runtime.realtime.frames import BadFrame, Push
from freehold.runtime.realtime.hub import Hub
from freehold.runtime.realtime.joins import BadJoin
from freehold.runtime.realtime.limits import Allowance
from freehold.runtime.services import Message, Receive, Send
from freehold.runtime.session import Caller, Refused, Sessions

GOING_AWAY, POLICY, TOO_BIG, TRY_LATER = 1001, 1008, 1009, 1013
CLOSE_WITHIN_SECONDS = 2.0
_log = logging.getLogger("freehold.realtime")


class SocketEnded(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        """`reason` goes to the client."""
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """Serves one accepted WebSocket until it ends."""

    def __init__(  # noqa: PLR0913 - what one connection is made of
        self, hub: Hub, sessions: Sessions, send: Send, *, caller: Caller, version: str, headers: dict[str, str]
    ) -> None:
        """`caller` is whom the API key names: joins without a token of their own go as this one."""
        self.version = version
        self.headers = headers
        self._hub = hub
        self._sessions = sessions
        self._caller = caller
        self._send = send
        self._channels: dict[str, Channel] = {}
        self._waiting: deque[str | bytes] = deque()
        self._waiting_bytes = 0
        self._filled = asyncio.Event()
        self._end: asyncio.Future[SocketEnded] = asyncio.get_running_loop().create_future()
        self._joins = Allowance(limits.JOINS_PER_SECOND, 1)
        self._events = Allowance(limits.EVENTS_PER_SECOND, 1)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that are open."""
        return tuple(self._channels.values())

    async def serve(self, receive: Receive) -> None:
        """Read and write until either ends; then close every channel."""
        tasks = [asyncio.create_task(self._read(receive)), asyncio.create_task(self._write())]
        try:
            ended: list[asyncio.Future[Any]] = [*tasks, self._end]
            await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done() and isinstance(task.exception(), Exception):
                    self._note(task.exception())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for channel in self.channels:
                channel.close()
            await self._close()

    def end(self, code: int, reason: str) -> None:
        """Close the connection soon."""
        if not self._end.done():
            self._end.set_result(SocketEnded(code, reason))

    def put(self, frame: str | bytes) -> None:
        """Queue a frame; a client that reads too slowly is disconnected, so that it holds up nobody."""
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        self._filled.set()
        if self._waiting_bytes > limits.WAITING_BYTES or len(self._waiting) > limits.WAITING_MESSAGES:
            self._waiting.clear()
            self._waiting_bytes = 0
            self.end(TRY_LATER, "too slow")

    def part(self, channel: Channel) -> None:
        """Forget a channel that has closed."""
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                frame = self._waiting.popleft()
                self._waiting_bytes -= len(frame)
                kind = "text" if isinstance(frame, str) else "bytes"
                async with asyncio.timeout(limits.SEND_WITHIN_SECONDS):
                    await self._send({"type": "websocket.send", kind: frame})

    async def _read(self, receive: Receive) -> None:
        while True:
            try:
                async with asyncio.timeout(limits.IDLE_SECONDS):
                    message = await receive()
            except TimeoutError as error:
                raise SocketEnded(GOING_AWAY, "no heartbeat") from error
            if message["type"] == "websocket.disconnect":
                return
            await self._hear(_content(message))

    async def _hear(self, frame: str | bytes) -> None:
        try:
            push = frames.read(frame, self.version)
        except BadFrame as error:
            raise SocketEnded(POLICY, str(error)) from error
        if push.topic == "phoenix":
            if push.event == "heartbeat":
                self._reply(push, "ok", {})
            return
        if push.event == "phx_join":
            await self._join(push)
            return
        channel = self._channels.get(push.topic)
        if channel is None or (push.join_ref is not None and push.join_ref != channel.join_ref):
            self._reply(push, "error", {"reason": "unmatched topic"})
        elif push.event == "phx_leave":
            channel.reply(push.ref, "ok", {})
            channel.push("phx_close", {})
            channel.close()
        elif push.event == "access_token":
            await self._renew(channel, push)
        elif not self._events.take():
            channel.end("Too many messages per second")
        else:
            await channel.hear(push)

    async def _join(self, push: Push) -> None:
        before = self._channels.pop(push.topic, None)
        if before is not None:  # as Phoenix does: who joins twice has left the first
            before.push("phx_close", {})
            before.close()
        try:
            channel = await self._opened(push)
        except (BadJoin, Refusal) as error:
            self._reply(push, "error", {"reason": str(error)})
        except Refused as refused:
            code = "InvalidJWTExpiration" if refused.expired else "InvalidJWTToken"
            self._reply(push, "error", {"reason": f"{code}: {refused.reason}"})
        else:
            await _recheck(channel)

    async def _opened(self, push: Push) -> Channel:
        if not self._joins.take():
            raise Refusal("ClientJoinRateLimitReached: Too many joins per second")
        if len(self._channels) >= limits.CHANNELS_PER_SOCKET:
            raise Refusal("ChannelRateLimitReached: Too many channels")
        join = joins.read(push.topic, push.payload)
        caller = self._sessions.verify(join.access_token) if join.access_token else self._caller
        channel = Channel(self, self._hub, join, push.join_ref, caller)
        self._channels[push.topic] = channel
        try:
            await channel.open(push.ref)
        except BaseException:
            channel.close()
            raise
        return channel

    async def _renew(self, channel: Channel, push: Push) -> None:
        """Go on with a newer token; a key that is no token changes nothing."""
        token = push.payload.get("access_token")
        if not isinstance(token, str) or not token or token.startswith("sb_") or token == channel.caller.token:
            return
        try:
            await channel.be(self._sessions.verify(token))
        except Refused as refused:
            channel.end(refused.reason)
        except Refusal as refusal:
            channel.end(str(refusal))

    def _reply(self, push: Push, status: str, response: object) -> None:
        payload = {"status": status, "response": response}
        text = frames.message(self.version, push.topic, "phx_reply", payload, ref=push.ref, join_ref=push.join_ref)
        self.put(text)

    def _note(self, error: BaseException | None) -> None:
        if isinstance(error, SocketEnded):
            self.end(error.code, error.reason)
        elif isinstance(error, TimeoutError):
            self.end(TRY_LATER, "too slow")
        elif error is not None and not isinstance(error, OSError):
            _log.error("a realtime connection failed", exc_info=error)
            self.end(1011, "internal error")

    async def _close(self) -> None:
        ended = self._end.result() if self._end.done() else SocketEnded(1000, "")
        # A client that has gone, or that does not read, gets no farewell.
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_SECONDS):
                await self._send({"type": "websocket.close", "code": ended.code, "reason": ended.reason})


def _content(message: Message) -> str | bytes:
    text = message.get("text")
    return text if isinstance(text, str) else bytes(message.get("bytes") or b"")


async def _recheck(channel: Channel) -> None:
    await channel.recheck(time.time())
