"""One HTTP request: what it is about, before anything is planned."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from freehold.runtime.rest import errors
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.services import Scope

TABLE, FUNCTION, ROOT = "table", "function", "root"
TABLE_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FUNCTION_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
ROOT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING_METHODS = frozenset({"POST", "PATCH", "PUT", "DELETE"})
SHAPING = ("accept", "prefer", "range", "accept-profile", "content-profile", "content-type")
"""The headers that a plan depends on."""
REMEMBERED_PATH = 200
REMEMBERED_HEADS = 300
REMEMBERED_HEAD_BYTES = 4096


class Resource(NamedTuple):
    """What a path names."""

    kind: str
    name: str = ""


class Fields(NamedTuple):
    """A request's headers. Names are lower case; those sent twice are joined by commas."""

    named: Mapping[str, str]
    shaping: tuple[str | None, ...]
    """The values of SHAPING."""
    as_json: bytes
    """All but the cookies, as `request.headers` holds them."""
    cookies_as_json: bytes


class Head(NamedTuple):
    """A request without its body."""

    method: str
    path: str
    query: str
    fields: Fields

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by name."""
        return self.fields.named


class Heads:
    """Reads requests' heads. A client sends the same headers again and again, so they are read once."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._remembered: dict[tuple[tuple[bytes, bytes], ...], Fields] = {}

    def read(self, scope: Scope) -> Head:
        """Read an ASGI scope."""
        raw = tuple(scope["headers"])
        fields = self._remembered.get(raw) or self._fields(raw)
        path = scope.get("raw_path") or scope["path"].encode()
        if b"?" in path:
            path = path.partition(b"?")[0]
        return Head(scope["method"], path.decode("latin-1"), scope["query_string"].decode("latin-1"), fields)

    def _fields(self, raw: tuple[tuple[bytes, bytes], ...]) -> Fields:
        fields = _read_fields(raw)
        # As they were sent: cookies that say nothing leave nothing behind in what was read of them.
        if sum(len(name) + len(value) for name, value in raw) <= REMEMBERED_HEAD_BYTES:
            if len(self._remembered) >= REMEMBERED_HEADS:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[raw] = fields
        return fields


def resource_of(path: str, settings: RestSettings) -> Resource:
    """Find what a path names; raises ApiError PGRST125 or PGRST126."""
    resource = _resource_again(path) if len(path) <= REMEMBERED_PATH else _resource(path)
    if resource.kind != ROOT:
        return resource
    if settings.openapi_mode == "disabled":
        raise errors.openapi_disabled()
    return Resource(FUNCTION, settings.db_root_spec) if settings.db_root_spec else resource


@lru_cache(maxsize=1000)
def _resource_again(path: str) -> Resource:
    return _resource(path)


def _resource(path: str) -> Resource:
    parts = path.removeprefix("/").split("/")
    if parts == [""]:
        return Resource(ROOT)
    if len(parts) == 1:
        return Resource(TABLE, _segment(parts[0]))
    if len(parts) == 2 and parts[0] == "rpc":  # noqa: PLR2004 - /rpc/<function>
        return Resource(FUNCTION, _segment(parts[1]))
    raise errors.bad_path()


def check_method(resource: Resource, method: str) -> None:
    """Refuse a method that the resource does not know: ApiError PGRST101 or PGRST117."""
    if resource.kind == FUNCTION and method not in FUNCTION_METHODS:
        raise errors.wrong_rpc_method(method)
    if method not in (ROOT_METHODS if resource.kind == ROOT else TABLE_METHODS):
        raise errors.unsupported_method(method)


def schema_of(head: Head, settings: RestSettings) -> tuple[str, bool]:
    """Give the schema and whether it was negotiated, which the answer then says; raises ApiError PGRST106."""
    header = "content-profile" if head.method in WRITING_METHODS else "accept-profile"
    profile = head.headers.get(header)
    if profile is None:
        return settings.db_schemas[0], len(settings.db_schemas) != 1
    if profile not in settings.db_schemas:
        raise errors.unknown_schema(profile, settings.db_schemas)
    return profile, True


def _segment(raw: str) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise errors.bad_path() from error


def _read_fields(raw: tuple[tuple[bytes, bytes], ...]) -> Fields:
    named: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1")
        value = _decode(raw_value)
        named[name] = f"{named[name]}, {value}" if name in named else value
    shaping = tuple(named.get(name) for name in SHAPING)
    without_cookies = {name: value for name, value in named.items() if name != "cookie"}
    return Fields(named, shaping, orjson.dumps(without_cookies), orjson.dumps(_cookies(named.get("cookie", ""))))


def _cookies(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, _, value in pairs if name}


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
