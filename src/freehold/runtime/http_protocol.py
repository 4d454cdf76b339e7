"""uvicorn's HTTP protocol, with answers that leave in one piece.

uvicorn writes an answer's head and its body on their own: two system calls here, two packets, and a client that wakes
up twice. Most answers are small, so that is a good part of what a request costs. A head waits here for the body that
follows it at once; if none does, it goes alone.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

WRITTEN_TOGETHER_BYTES = 256 * 1024
"""Longer bodies are not copied to save a system call."""
_NAME = re.compile(rb'[^\x00-\x20\x7f()<>@,;:\\\[\]={}"]+')
_CONTROLS = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_WITHOUT_BODY = (204, 304)


class OneWriteProtocol(HttpToolsProtocol):
    """Reads requests as uvicorn does, and answers in one write where an answer is complete at once."""

    def on_headers_complete(self) -> None:
        """Start a request as uvicorn does, as one of our own; what is rare is left to uvicorn."""
        if self.parser.should_upgrade() or self.limit_concurrency is not None:
            super().on_headers_complete()
            return
        version = self.parser.get_http_version()
        self._describe(version)
        previous = self.cycle
        self.cycle = _Cycle(
            scope=self.scope, transport=self.transport, flow=self.flow, logger=self.logger,
            access_logger=self.access_logger, access_log=self.access_log,
            default_headers=self.server_state.default_headers, message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(), on_response=self.on_response_complete,
        )  # fmt: skip
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _describe(self, version: str) -> None:
        raw_path, query = _split(self.url)
        path = raw_path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        self.scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        self.scope["query_string"] = query


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    _head = b""
    """What is still to be written before the body."""

    async def send(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if self.disconnected:
            return
        if not self.response_started and kind == "http.response.start" and not self.access_log:
            self._start(message["status"], message.get("headers", ()))
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
        head = [STATUS_LINE[status].rstrip()]
        length, chunked, closes = 0, None, False
        for name, value in (*self.default_headers, *headers):
            prefix = _prefix(name)
            head.append(prefix + value)
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
        asyncio.get_running_loop().call_soon(self._write_head)

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
