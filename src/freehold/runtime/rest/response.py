"""From a result to status, headers and body."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import orjson

from freehold.runtime.rest import errors, ranges
from freehold.runtime.rest.compiled import CALL, CREATE, PUT, READ, UPDATE, Compiled
from freehold.runtime.rest.errors import ApiError, Header
from freehold.runtime.rest.execute import Outcome
from freehold.runtime.rest.media import JSON, MediaType

RETRY_AFTER_SECONDS = b"1"


class Response(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: list[Header]
    body: bytes = b""


def of_outcome(compiled: Compiled, outcome: Outcome, canonical: str) -> Response:
    """Answer a request that succeeded. `canonical` is the query string as Content-Location shows it."""
    if compiled.media_type.is_plan:
        return Response(200, [_length(outcome.body), *compiled.about_body], outcome.body)
    if compiled.kind in (READ, CALL):
        response = _of_rows(compiled, outcome, canonical)
    else:
        response = _of_mutation(compiled, outcome)
    if outcome.response_status is None and outcome.response_headers is None:
        return response
    return _overridden(response, outcome)


def of_error(error: ApiError, *, headers_only: bool = False) -> Response:
    """Answer a request that was refused."""
    body = error.body()
    headers = [
        (b"content-type", MediaType(JSON).content_type()),
        _length(body),
        (b"proxy-status", f"PostgREST; error={error.code}".encode("latin-1", "replace")),
        *error.headers,
    ]
    if error.status == 503:  # noqa: PLR2004 - RFC 9110: come back later
        headers.append((b"retry-after", RETRY_AFTER_SECONDS))
    return Response(error.status, _without_breaks(headers), b"" if headers_only else body)


def of_options(allowed: str) -> Response:
    """Answer OPTIONS."""
    headers = [(b"content-length", b"0"), (b"access-control-allow-origin", b"*"), (b"allow", allowed.encode())]
    return Response(200, headers)


def _of_rows(compiled: Compiled, outcome: Outcome, canonical: str) -> Response:
    first = compiled.rows.lower
    status = ranges.status_of(compiled.rows, outcome.rows, outcome.total)
    headers: list[Header] = [(b"content-range", ranges.content_range(first, first + outcome.rows - 1, outcome.total))]
    if compiled.kind == READ:
        location = f"/{_path_segment(compiled.name)}" + (f"?{canonical}" if canonical else "")
        headers.append((b"content-location", location.encode()))
    headers += compiled.about_preferences
    if compiled.returns_void:
        return Response(204, headers)
    body = outcome.body
    if status == 416:  # noqa: PLR2004 - RFC 9110: range not satisfiable
        body = errors.beyond_the_end(first, outcome.total or 0).body()
    if compiled.headers_only:
        return Response(status, [*headers, *compiled.about_body])
    return Response(status, [*headers, _length(body), *compiled.about_body], body)


def _of_mutation(compiled: Compiled, outcome: Outcome) -> Response:
    with_body = compiled.preferences.representation == "representation"
    headers = [*_mutation_range(compiled, outcome), *compiled.about_preferences]
    status = _mutation_status(compiled, outcome, with_body=with_body)
    if compiled.kind == CREATE:
        if outcome.location not in (b"", b"{}"):
            headers.append((b"location", _location(compiled.name, outcome.location)))
        if not with_body:
            return Response(status, [*headers, _length(b"")])
    if not with_body:
        return Response(204, headers)
    return Response(status, [*headers, _length(outcome.body), *compiled.about_body], outcome.body)


def _mutation_status(compiled: Compiled, outcome: Outcome, *, with_body: bool) -> int:
    if compiled.kind == CREATE:
        merged = compiled.preferences.resolution == "merge-duplicates"
        return 200 if merged and (outcome.inserted or 0) <= 0 else 201
    if compiled.kind == PUT and with_body:
        return 201 if (outcome.inserted or 0) > 0 else 200
    return 200


def _mutation_range(compiled: Compiled, outcome: Outcome) -> list[Header]:
    if compiled.kind == PUT:
        return []
    total = outcome.rows if compiled.preferences.count in ("exact", "estimated") else None
    lower, upper = (0, outcome.rows - 1) if compiled.kind == UPDATE else (1, 0)
    return [(b"content-range", ranges.content_range(lower, upper, total))]


_PATH_SAFE = "-_.~$&+,;=:@!*'()"


@lru_cache(maxsize=1000)
def _path_segment(name: str) -> str:
    return quote(name, safe=_PATH_SAFE)


def _location(name: str, keys: bytes) -> bytes:
    """Write `/table?key=eq.value` of a PostgreSQL array such as {id=eq.1}."""
    pairs = (item.partition("=") for item in _array_items(keys.decode()))
    query = "&".join(f"{quote(key, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}" for key, _, value in pairs)
    return f"/{_path_segment(name)}?{query}".encode()


_UNRESERVED = "-_.~"


def _array_items(text: str) -> list[str]:
    """Read a one-dimensional array literal."""
    items: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    for character in text[1:-1]:
        if escaped:
            current.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            items.append("".join(current))
            current = []
        else:
            current.append(character)
    items.append("".join(current))
    return items


def _overridden(response: Response, outcome: Outcome) -> Response:
    """Apply the settings response.headers and response.status; raises ApiError PGRST111 or PGRST112."""
    status, headers = response.status, response.headers
    if outcome.response_status is not None:
        status = _own_status(outcome.response_status)
    if outcome.response_headers is not None:
        own = _own_headers(outcome.response_headers)
        names = {name for name, _ in own}
        headers = [item for item in headers if item[0] not in names] + own
    return Response(status, headers, response.body)


def _own_status(text: bytes) -> int:
    if not text.isdigit() or not 100 <= int(text[:9]) <= 999:  # noqa: PLR2004 - three digits
        raise errors.bad_response_status()
    return int(text)


def _own_headers(text: bytes) -> list[Header]:
    try:
        rows = orjson.loads(text)
    except ValueError as error:
        raise errors.bad_response_headers() from error
    if not isinstance(rows, list):
        raise errors.bad_response_headers()
    headers: list[Header] = []
    for row in rows:
        if not isinstance(row, dict) or len(row) != 1:
            raise errors.bad_response_headers()
        ((name, value),) = row.items()
        if not isinstance(value, str) or any(mark in name + value for mark in "\r\n\0"):
            raise errors.bad_response_headers()
        headers.append((name.lower().encode(), value.encode()))
    return headers


def _without_breaks(headers: list[Header]) -> list[Header]:
    """A function's error may hold line breaks, which would end a header."""
    return [(name, value.translate(None, b"\r\n\0")) for name, value in headers]


def _length(body: bytes) -> Header:
    return b"content-length", b"%d" % len(body)
