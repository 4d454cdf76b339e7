"""One request to /auth/v1 and its answer, without a framework: the surface is small and its errors are exact."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from freehold.runtime import client
from freehold.runtime.auth.errors import API_VERSION, ApiError
from freehold.runtime.services import Receive, Scope, Send

MAXIMUM_BODY_BYTES = 1 << 20
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What came in. `headers` have lower-case names; of several with one name the last counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    ip: str
    """The client's address, "" when it is not known."""
    is_local: bool
    """Sent by a process of this machine, not through a proxy."""
    parts: tuple[str, ...] = ()
    """The variable parts of the path."""

    @property
    def api_version(self) -> str:
        """The API version asked for, "" for the first."""
        return API_VERSION if self.headers.get("x-supabase-api-version", "") >= API_VERSION else ""

    def json(self) -> Json:
        """Parse the body as a JSON object; an empty one gives {}. Raises ApiError bad_json."""
        try:
            found = orjson.loads(self.body) if self.body.strip() else {}
        except orjson.JSONDecodeError as error:
            raise ApiError(400, "bad_json", f"Could not parse request body as JSON: {error}") from error
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise ApiError(400, "bad_json", "Could not parse request body as JSON: an object is expected")
        return found


@dataclass(frozen=True, kw_only=True)
class Response:
    """What goes out."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())


def ok(value: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Answer with JSON."""
    return Response(status=status, body=json.dumps(value, ensure_ascii=False).encode(), headers=headers)


def redirect(location: str, status: int = 303, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Send the browser elsewhere."""
    return Response(status=status, content_type="text/html; charset=utf-8", headers=(("location", location), *headers))


def refusal(error: ApiError, request: Request) -> Response:
    """Answer with an error in the form of the API version asked for."""
    headers: list[tuple[str, str]] = [("x-sb-error-code", error.code)] if error.code else []
    if request.api_version:
        headers.append(("x-supabase-api-version", request.api_version))
    return ok(error.body(request.api_version), status=error.status, headers=tuple(headers))


def read_head(scope: Scope) -> Request:
    """Read a request without its body."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    ip, is_local = client.address(scope)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=b"",
        ip=ip,
        is_local=is_local,
    )


async def read_body(receive: Receive) -> bytes:
    """Read the whole body; raises ApiError 413 above 1 MiB."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "bad_json", "The client went away")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAXIMUM_BODY_BYTES:
            raise ApiError(413, "request_entity_too_large", f"Request body too large (max {MAXIMUM_BODY_BYTES} bytes)")
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_response(response: Response, send: Send) -> None:
    """Write the whole answer. Nothing of this surface may be kept by a cache unless it says so itself."""
    headers = [(name.encode(), _header(value)) for name, value in response.headers]
    if not any(name == "cache-control" for name, _ in response.headers):
        headers.append((b"cache-control", b"no-store"))
    if response.status != 204:  # noqa: PLR2004 - "no content" has no length either
        headers.append((b"content-type", response.content_type.encode()))
        headers.append((b"content-length", b"%d" % len(response.body)))
    headers.append((b"x-content-type-options", b"nosniff"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _header(value: str) -> bytes:
    """Encode a header's value; a line break would let a value make headers of its own."""
    return value.replace("\r", "").replace("\n", "").encode("latin-1", "replace")
