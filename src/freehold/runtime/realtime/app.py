"""The /realtime/v1 protocol: WebSocket at /websocket, broadcasts over HTTP below /api."""

import asyncio
import contextlib
import time
from urllib.parse import parse_qs

import orjson

from freehold.runtime.bus import Bus
from freehold.runtime.leader import TROUBLES, Duty
from freehold.runtime.realtime import api, frames, limits
from freehold.runtime.realtime.changes.source import UNUSED_SECONDS, Source
from freehold.runtime.realtime.hub import Hub
from freehold.runtime.realtime.outbox import Outbox
from freehold.runtime.realtime.socket import GOING_AWAY, Socket
from freehold.runtime.services import Receive, Scope, Send, Services
from freehold.runtime.session import Caller, Refused

WEBSOCKET_PATHS = frozenset({"/websocket", "/websocket/"})
RECHECK_EVERY_SECONDS = 1.0
KEPT_HEADERS = frozenset({"user-agent", "x-forwarded-for", "x-real-ip", "accept-language", "origin", "host"})
"""What policies may read of the handshake; never a credential."""


class RealtimeApp:
    """One ASGI application; its duties are for whoever leads."""

    def __init__(self, services: Services, bus: Bus, *, unused_seconds: float = UNUSED_SECONDS) -> None:
        """Nothing runs before `start`."""
        self._services = services
        self.hub = Hub(services.rest, bus)
        self._source = Source(services.settings.rest_dsn, self.hub.feed, unused_seconds=unused_seconds)
        self._outbox = Outbox(services.rest, self.hub)
        self.hub.feed.on_interest = self._source.wake
        self._sockets: set[Socket] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def duties(self) -> tuple[Duty, ...]:
        """What the leader does for this protocol."""
        return self._source.read, self._outbox.read

    def notified(self, what: str) -> None:
        """PostgreSQL has said that something waits."""
        if what == "broadcast":
            self._outbox.wake()

    async def start(self) -> None:
        """Hand out changes, and look after the channels; broadcasts from SQL count from here."""
        with contextlib.suppress(*TROUBLES):
            await self._outbox.begin()
        self._tasks = [asyncio.create_task(self.hub.feed.run()), asyncio.create_task(self._recheck())]

    async def stop(self) -> None:
        """Close every connection; clients come back to whoever serves then."""
        for socket in self._sockets:
            socket.end(GOING_AWAY, "the server restarts")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await api.answer(self.hub, self._services.sessions, scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        version = query.get("vsn", ["1.0.0"])[-1]
        refusal = self._refusal(scope, version)
        if refusal is None:
            try:
                caller = self._services.sessions.identify(scope["headers"], query_apikey=query.get("apikey", [""])[-1])
            except Refused as refused:
                refusal = (401, refused.reason)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        chosen = "phoenix" if "phoenix" in scope.get("subprotocols", ()) else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        await self._serve(caller, version, scope, receive, send)

    def _refusal(self, scope: Scope, version: str) -> tuple[int, str] | None:
        if scope["path"] not in WEBSOCKET_PATHS:
            return 404, "not found"
        if version not in frames.VERSIONS:
            return 400, f"the protocols spoken here are {' and '.join(frames.VERSIONS)}"
        if len(self._sockets) >= limits.SOCKETS:
            return 429, "Too many connections"
        return None

    async def _serve(self, caller: Caller, version: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1") in KEPT_HEADERS
        }
        socket = Socket(self.hub, self._services.sessions, send, caller=caller, version=version, headers=headers)
        self._sockets.add(socket)
        try:
            await socket.serve(receive)
        finally:
            self._sockets.discard(socket)

    async def _recheck(self) -> None:
        """End channels whose token has expired or whose policies have changed."""
        while True:
            await asyncio.sleep(RECHECK_EVERY_SECONDS)
            for socket in list(self._sockets):
                for channel in socket.channels:
                    await channel.recheck(time.time())


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    """Answer the handshake with a status and JSON, where the server can."""
    with contextlib.suppress(OSError):
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
            return
        body = orjson.dumps({"error": reason})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
