"""Requests and answers of /api, and what every handler raises instead of answering itself."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from freehold.runtime.services import Receive, Scope, Send

LARGEST_JSON_BYTES = 16 * 1024 * 1024


class Refusal(Exception):
    """An answer that is no success. The SDK takes its text from `message`, `detail` or `error`."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        """Keep status and JSON body."""
        super().__init__(str(body.get("message") or body.get("error") or status))
        self.status = status
        self.body = body


def plain(status: int, message: str) -> Refusal:
    """A refusal in the short form."""
    return Refusal(status, {"error": message})


def detailed(status: int, message: str, kind: str = "HTTPException", **more: object) -> Refusal:
    """A refusal in the long form of the builder's API."""
    body = {"message": message, "detail": message, "error_type": kind, "request_id": None, "traceback": ""}
    return Refusal(status, body | more)


def auth_required(reason: str = "auth_required") -> Refusal:
    """What the boot screen reads: whether to ask for sign-in, or to say that this person is not registered."""
    words = {
        "auth_required": "You must be logged in to access this app",
        "user_not_registered": "You are not registered for this app",
    }
    return detailed(403, words[reason], extra_data={"reason": reason})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, body and headers; bytes are JSON text already."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"


def answer(value: object, status: int = 200) -> Answer:
    """Write a value as JSON."""
    return Answer(status=status, body=encoded(value))


def encoded(value: object) -> bytes:
    """Write a value of a request as JSON; one that no JSON can hold is refused with 400."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise plain(
            400, "The request holds a value that is nested too deeply, or a number that is too large"
        ) from error


@dataclass(frozen=True)
class Request:
    """One request; the body is read when it is asked for."""

    scope: Scope
    receive: Receive
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """GET, POST, ..."""
        return str(self.scope["method"])

    @property
    def client(self) -> str:
        """The address of who asks."""
        return str((self.scope.get("client") or ("",))[0])

    async def body(self, most: int = LARGEST_JSON_BYTES) -> bytes:
        """Read the whole body; a longer one is refused with 413."""
        parts, size = [], 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise plain(413, "The request is too large")
            if not message.get("more_body"):
                return b"".join(parts)

    async def json(self) -> Any:  # noqa: ANN401 - JSON is any value
        """Read a JSON body; an empty one is None."""
        raw = await self.body()
        try:
            return orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError as error:
            raise plain(400, "The request body is no JSON") from error

    async def table(self) -> dict[str, Any]:
        """Read a JSON body that has to be an object."""
        value = await self.json()
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise plain(400, "Request body must be an object")
        return value


def read(scope: Scope, receive: Receive) -> Request:
    """Read the head of a request."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    return Request(scope, receive, headers, query)


async def respond(found: Answer, send: Send) -> None:
    """Send an answer; a client that is gone is nobody's fault."""
    headers = [(b"content-type", found.content_type), (b"content-length", b"%d" % len(found.body)), *found.headers]
    if not any(name == b"cache-control" for name, _ in found.headers):
        headers.append((b"cache-control", b"no-store"))
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})
