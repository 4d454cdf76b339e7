"""Passes requests and WebSockets on to the app's own server, and its answers back as they stream."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from freehold.runtime import client
from freehold.runtime.services import Message, Receive, Scope, Send
from freehold.runtime.settings import Settings
from freehold.runtime.site.guard import KeyGuard, Leak
from freehold.runtime.site.python import program as python
from freehold.runtime.site.server import AppServer
from freehold.runtime.workers.incoming import Incoming, until_gone
from freehold.runtime.workers.outgoing import NOT_FORWARDED, NOT_RETURNED
from freehold.runtime.workers.slot import NotStartable
from freehold.runtime.workers.worker import BootFailed, Worker

SMALL_BODY_BYTES = 64 * 1024
MOST_UPLOADS = 64
LONGEST_MESSAGE_BYTES = 16 << 20
_AUTOMATIC = frozenset(("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))
_OURS = ("x-freehold-", "x-forwarded-", "forwarded", "x-real-ip")
_HANDSHAKE = ("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol")
_Body = bytes | AsyncIterator[bytes] | None
_SORRY = b"The app is not available for a moment. Please try again."


def open_proxy(settings: Settings) -> "ServerProxy | None":
    """Make the way to the app's own server; None for an app without one."""
    return ServerProxy(settings, AppServer(settings, settings.server)) if settings.server else None


class ServerProxy:
    """In front of one AppServer."""

    def __init__(self, settings: Settings, server: AppServer) -> None:
        """Hold what the server may never send."""
        self._settings = settings
        self._server = server
        self.paths = settings.server.paths if settings.server else ()
        self.start = server.start
        self.stop = server.stop
        keys = (settings.service_role_jwt.reveal(), settings.secret_key.reveal(), *python.hidden(settings))
        self._keys = [key.encode() for key in keys]
        self._has_threads = settings.server is not None and settings.server.runtime == "python"
        self._uploads = asyncio.Semaphore(MOST_UPLOADS)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "CONNECT":  # whoever passes it on asks for a tunnel
            return await _answer(send, 405, b"method not allowed")
        incoming = Incoming(scope, receive)
        async with incoming:
            return await until_gone(incoming, self._call(scope, incoming, send))

    async def _call(self, scope: Scope, incoming: Incoming, send: Send) -> None:
        sent = _Sent(send)
        try:
            async with self._body(incoming) as body:
                await self._ask(await self._server.worker(), scope, body, sent)
        except NotStartable as error:
            await _answer(send, 503, _SORRY, retry_seconds=error.retry_seconds)
        except TimeoutError:
            await sent.or_else(504, b"The app did not answer in time.")
        except Leak:
            # After the first byte there is no way to say more: returning here cuts the connection.
            self._server.complain("An answer held a key, such as the service key, and was cut off.", sent.request_id)
            await sent.or_else(500, b"The app's answer was held back (please check logs).")
        except (aiohttp.ClientError, OSError, BootFailed):
            await sent.or_else(502, _SORRY, retry_seconds=1)

    @contextlib.asynccontextmanager
    async def _body(self, incoming: Incoming) -> AsyncIterator[_Body]:
        """Give the body as it may be sent on; what a client sends slowly waits here.

        A server of threads has a place for each of some requests, and their bodies have to be whole before it begins.
        """
        if not incoming.has_body or not self._has_threads:
            yield incoming.body() if incoming.has_body else None
        elif incoming.length is not None and incoming.length <= SMALL_BODY_BYTES:
            async with asyncio.timeout(self._settings.server_limits.answer_seconds):
                whole = b"".join([block async for block in incoming.body()])
            yield whole
        else:
            async with self._uploads:
                yield incoming.body()

    async def _ask(self, worker: Worker, scope: Scope, body: _Body, sent: "_Sent") -> None:
        async with worker.use() as session:
            async with asyncio.timeout(self._settings.server_limits.answer_seconds) as patience:
                response = await session.request(
                    scope["method"],
                    self._url(scope),
                    headers=self._headers(scope, sent.request_id),
                    data=body,
                    allow_redirects=False,
                    skip_auto_headers=_AUTOMATIC,
                )
                patience.reschedule(None)
            async with response:
                await sent.pass_on(response, KeyGuard(self._keys))

    def _url(self, scope: Scope) -> URL:
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        query = scope.get("query_string", b"").decode("latin-1")
        return URL(f"http://server{raw_path}" + (f"?{query}" if query else ""), encoded=True)

    def _headers(self, scope: Scope, request_id: str) -> "CIMultiDict[str]":
        """The request's headers with the app's own host; what says where it came from is ours to say."""
        headers: CIMultiDict[str] = CIMultiDict()
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1").lower()
            if name not in NOT_FORWARDED and not name.startswith(_OURS):
                headers.add(name, raw_value.decode("latin-1"))
        public = urlsplit(self._settings.public_url)
        where, _ = client.address(scope)
        headers["host"] = headers["x-forwarded-host"] = public.netloc
        headers["x-forwarded-proto"] = public.scheme
        headers["x-forwarded-for"] = headers["x-real-ip"] = headers["x-freehold-client"] = where
        headers["x-freehold-request"] = request_id
        return headers

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Join a client's WebSocket to one of the server; a server that wants none refuses it."""
        await receive()
        headers = self._headers(scope, str(uuid.uuid4()))
        for name in _HANDSHAKE:
            headers.popall(name, None)
        try:
            worker = await self._server.worker()
            async with (
                worker.use() as session,
                session.ws_connect(
                    self._url(scope),
                    headers=headers,
                    protocols=scope.get("subprotocols", ()),
                    max_msg_size=LONGEST_MESSAGE_BYTES,
                ) as upstream,
            ):
                await send({"type": "websocket.accept", "subprotocol": upstream.protocol})
                await _both_ways(upstream, receive, send)
        except (NotStartable, aiohttp.ClientError, OSError, BootFailed):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket is served here"})


class _Sent:
    """What of an answer has gone out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self.request_id = str(uuid.uuid4())

    async def pass_on(self, response: aiohttp.ClientResponse, guard: KeyGuard) -> None:
        """Send status, headers and body. Raises Leak, at the latest before the last byte of a key is sent."""
        given = [(name.lower(), value) for name, value in response.raw_headers]
        headers = [(name, value) for name, value in given if name.decode("latin-1") not in NOT_RETURNED]
        for _, value in headers:
            guard.whole(value)
        headers.append((b"sb-request-id", self.request_id.encode()))
        blocks = response.content.iter_any()
        first = guard.passed(await anext(blocks, b"")) if _is_short(response) else b""
        self._started = True
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        if first:
            await self._block(first)
        async for block in blocks:
            await self._block(guard.passed(block))
        await self._send({"type": "http.response.body", "body": guard.rest()})

    async def _block(self, block: bytes) -> None:
        if block:
            await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def or_else(self, status: int, body: bytes, retry_seconds: float = 0) -> None:
        """Answer so if nothing was sent yet."""
        if not self._started:
            await _answer(self._send, status, body, retry_seconds=retry_seconds)


def _is_short(response: aiohttp.ClientResponse) -> bool:
    """Whether the body's first block may be waited for: an answer without a length may begin to stream much later."""
    return response.content_length is not None


async def _answer(send: Send, status: int, body: bytes, *, retry_seconds: float = 0) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    headers.append((b"cache-control", b"no-store"))
    if retry_seconds:
        headers.append((b"retry-after", b"%d" % max(1, round(retry_seconds))))
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _both_ways(upstream: aiohttp.ClientWebSocketResponse, receive: Receive, send: Send) -> None:
    inward = asyncio.create_task(_inward(upstream, receive))
    outward = asyncio.create_task(_outward(upstream, send))
    try:
        await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (inward, outward):
            task.cancel()
        await asyncio.gather(inward, outward, return_exceptions=True)


async def _inward(upstream: aiohttp.ClientWebSocketResponse, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await upstream.send_str(message["text"])
        else:
            await upstream.send_bytes(message["bytes"])
    await upstream.close(code=_code(message))


async def _outward(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in upstream:
        name = "text" if message.type == aiohttp.WSMsgType.TEXT else "bytes"
        await send({"type": "websocket.send", name: message.data})
    await send({"type": "websocket.close", "code": upstream.close_code or 1000})


def _code(message: Message) -> int:
    code = message.get("code") or 1000
    return code if code not in (1005, 1006) else 1000
