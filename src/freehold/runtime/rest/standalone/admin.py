"""The admin server: `/live`, `/ready`, `/config`, `/schema_cache`, `/metrics`. It asks for no key: hide it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import orjson

from freehold.runtime.rest.cache.model import SchemaCache
from freehold.runtime.rest.standalone import metrics, options
from freehold.runtime.rest.standalone.application import Application
from freehold.runtime.services import Receive, Scope, Send

REACH_SECONDS = 2.0


class Admin:
    """Answers about one application, which is reached on `listener`."""

    def __init__(self, application: Application, listener: socket.socket) -> None:
        """Open nothing yet."""
        self._application = application
        self._listener = listener
        self._pages: dict[str, Callable[[], tuple[str, bytes]]] = {
            "/config": self._config,
            "/schema_cache": self._schema_cache,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path in ("/live", "/ready"):
            await _answer(send, await self._health(path))
        elif scope["method"] in ("GET", "HEAD") and path in self._pages:
            await _answer(send, 200, *self._pages[path]())
        else:
            await _answer(send, 404)

    async def _health(self, path: str) -> int:
        if not await _is_reachable(self._listener):
            return 500
        state = self._application.core.state
        if path == "/ready" and (state.is_pending or state.known is None):
            return 503
        return 200

    def _config(self) -> tuple[str, bytes]:
        return "text/plain; charset=utf-8", options.dump(self._application.options, with_secrets=False).encode()

    def _schema_cache(self) -> tuple[str, bytes]:
        known = self._application.core.state.known
        return "application/json; charset=utf-8", b"null" if known is None else schema_json(known.cache)

    def _metrics(self) -> tuple[str, bytes]:
        return "text/plain; charset=utf-8", metrics.text(self._application).encode()


def schema_json(cache: SchemaCache) -> bytes:
    """Write a schema cache for people who look for a mistake; the form may change."""
    document = {
        "tables": list(cache.tables.values()),
        "relationships": [item for group in cache.relationships.values() for item in group],
        "functions": [item for group in cache.routines.values() for item in group],
        "representations": [{"from": a, "to": b, "function": f} for (a, b), f in cache.representations.items()],
        "mediaHandlers": list(cache.handlers.values()),
    }
    return orjson.dumps(document, default=_plain)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever orjson does not know
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(type(value).__name__)


async def _is_reachable(listener: socket.socket) -> bool:
    """Connect to where the application listens and say nothing."""
    address = listener.getsockname()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(REACH_SECONDS):
            if isinstance(address, str):
                _, writer = await asyncio.open_unix_connection(address)
            else:
                host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - a comparison
                _, writer = await asyncio.open_connection(host, address[1])
            writer.close()
        return True
    return False


async def _answer(send: Send, status: int, content_type: str = "text/plain; charset=utf-8", body: bytes = b"") -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
