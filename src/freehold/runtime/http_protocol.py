"""uvicorn's HTTP protocol, with answers that leave in one piece.

uvicorn writes an answer's head and its body on their own: two system calls here, two packets, and a client that wakes
up twice. Most answers are small, so that is a good part of what a request costs. A head waits here for the body that
follows it at once; if none does, it goes alone. An application that has the whole answer may say so: see WHOLE.

The rest saves work that uvicorn does for every request and most requests never need: an event for bodies that come
late, a callback for a task that ends, a timer that is set and taken back again. There is no access log.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from freehold.runtime.services import WHOLE

WRITTEN_TOGETHER_BYTES = 256 * 1024
"""Longer bodies are not copied to save a system call."""
_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE: {}}
_NAME = re.compile(rb'[^\x00-\x20\x7f()<>@,;:\\\[\]={}"]+')
_CONTROLS = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_WITHOUT_BODY = (204, 304)
_FRAMING = frozenset({b"content-length: ", b"transfer-encoding: ", b"connection: "})
_STATUS_LINES = {status: line.rstrip() for status, line in STATUS_LINE.items()}


class OneWriteProtocol(HttpToolsProtocol):
    """Reads requests as uvicorn does, and answers in one write where an answer is complete at once."""

    _idle_since: float | None = None
    """Since when a connection has been kept for its next request, None while one is under way."""
    cycle: "_Cycle | None"  # type: ignore[assignment]

    def on_headers_complete(self) -> None:
        """Start a request as uvicorn does, as one of our own; what is rare is left to uvicorn."""
        if self.parser.should_upgrade() or self.limit_concurrency is not None:
            super().on_headers_complete()
            return
        version = self.parser.get_http_version()
        self._describe(version)
        previous = self.cycle
        self.cycle = cycle = _Cycle(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; its name in lower case."""
        name = name.lower()
        self.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_response_complete(self) -> None:
        """Start the request that waits, or keep the connection for one that may come."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_later(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what uvicorn ends, and the timer."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's own type
        if isinstance(cycle, _Cycle):
            cycle.task = self.loop.create_task(cycle.answer(app, self.tasks))
            self.tasks.add(cycle.task)
        else:
            super()._start_asgi_task(cycle, app)

    def _unset_keepalive_if_required(self) -> None:
        """Something came: the connection is in use. The timer stays, and looks when it rings."""
        self._idle_since = None

    def _close_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._close_if_idle)

    def _close_if_idle(self) -> None:
        """Close a connection that has been idle for so long; one timer serves all its requests."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._close_later(left)
        else:
            self.timeout_keep_alive_handler()

    def _describe(self, version: str) -> None:
        raw_path, query = _split(self.url)
        path = raw_path.decode("ascii")
        scope: Any = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = query
        scope["extensions"] = _EXTENSIONS


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    _head = b""
    """What is still to be written before the body."""
    # As uvicorn begins; here for all requests at once.
    disconnected = response_started = response_complete = access_log = False
    more_body = True
    chunked_encoding: bool | None = None
    expected_content_length = 0
    task: asyncio.Task[None] | None = None

    def __init__(self, protocol: OneWriteProtocol, *, keep_alive: bool) -> None:
        """Begin a request of this connection."""
        self.scope = protocol.scope
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.message_event = _Event()  # type: ignore[assignment]
        self.on_response = protocol.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.body = bytearray()

    async def answer(self, app: Any, running: "set[asyncio.Task[None]]") -> None:  # noqa: ANN401 - uvicorn's own type
        """Run the application, and take the task off the list of those that a shutdown waits for."""
        try:
            await self.run_asgi(app)
        finally:
            if self.task is not None:
                running.discard(self.task)
                self.task = None

    async def send(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if self.disconnected:
            return
        if not self.response_started and kind == "http.response.start":
            self._start(message["status"], message.get("headers", ()))
            whole = message.get("body")
            if whole is None:
                asyncio.get_running_loop().call_soon(self._write_head)
            elif self._is_plain:
                self._finish(whole)
            else:
                self._write_head()
                await super().send({"type": "http.response.body", "body": whole})
        elif self._head and kind == "http.response.body" and not message.get("more_body") and self._is_plain:
            self._finish(message.get("body", b""))
        else:
            self._write_head()
            await super().send(message)  # type: ignore[arg-type]

    @property
    def _is_plain(self) -> bool:
        """Whether the body can be written as it is, and now."""
        return not self.chunked_encoding and not self.flow.write_paused

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        head = [_STATUS_LINES[status]]
        length, chunked, closes = 0, None, False
        for name, value in (*self.default_headers, *headers):
            prefix = _prefix(name)
            head.append(prefix + value)
            if prefix not in _FRAMING:
                continue
            if prefix == b"content-length: " and chunked is None:
                length, chunked = int(value), False
            elif prefix == b"transfer-encoding: " and value.lower() == b"chunked":
                length, chunked = 0, True
            elif prefix == b"connection: " and b"close" in value.lower().replace(b" ", b"").split(b","):
                closes = True
        if chunked is None and self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            chunked = True
            head.append(b"transfer-encoding: chunked")
        if not self.keep_alive and not closes:
            head.append(b"connection: close")
        self._head = _lines(head)
        self.keep_alive = self.keep_alive and not closes
        self.expected_content_length, self.chunked_encoding = length, chunked
        self.response_started = True
        self.waiting_for_100_continue = False

    def _finish(self, body: bytes) -> None:
        """Write head and body, and end the answer."""
        if self.scope["method"] == "HEAD":
            body = b""
        elif len(body) != self.expected_content_length:
            raise RuntimeError("The answer's body is not as long as its Content-Length.")
        head, self._head = self._head, b""
        if len(body) <= WRITTEN_TOGETHER_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write_head(self) -> None:
        """Write a head whose body is not there yet."""
        if self._head:
            head, self._head = self._head, b""
            self.transport.write(head)


class _Event:
    """asyncio.Event, made only if somebody waits: most requests are whole before they are looked at."""

    __slots__ = ("_is_set", "_waited_for")

    def __init__(self) -> None:
        self._is_set = False
        self._waited_for: asyncio.Event | None = None

    def set(self) -> None:
        self._is_set = True
        if self._waited_for is not None:
            self._waited_for.set()

    def clear(self) -> None:
        self._is_set = False
        if self._waited_for is not None:
            self._waited_for.clear()

    async def wait(self) -> None:
        if self._is_set:
            return
        if self._waited_for is None:
            self._waited_for = asyncio.Event()
        await self._waited_for.wait()


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Give a request target's path and query."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = parse_url(url)
    return parsed.path, parsed.query or b""


def _lines(head: list[bytes]) -> bytes:
    """Join a status line and headers; refuses a header that would be more than one line."""
    written = b"\r\n".join(head)
    if len(written.translate(None, _CONTROLS)) != len(written) - 2 * (len(head) - 1):
        raise RuntimeError("Invalid HTTP header value.")
    return written + b"\r\n\r\n"


@lru_cache(maxsize=1000)
def _prefix(name: bytes) -> bytes:
    """Give the beginning of a header's line; refuses what is no name."""
    if _NAME.fullmatch(name) is None:
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower() + b": "
