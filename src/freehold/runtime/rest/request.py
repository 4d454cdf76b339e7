"""One HTTP request: what it is about, before anything is planned."""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from freehold.runtime.rest import errors
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.services import Scope

TABLE, FUNCTION, ROOT = "table", "function", "root"
TABLE_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FUNCTION_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
ROOT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING_METHODS = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Resource(NamedTuple):
    """What a path names."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. Header names are lower case; those sent twice are joined by commas."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


def head_of(scope: Scope) -> Head:
    """Read an ASGI scope."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1")
        value = _decode(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
    return Head(scope["method"], path, scope["query_string"].decode("latin-1"), headers)


def resource_of(path: str, settings: RestSettings) -> Resource:
    """Find what a path names; raises ApiError PGRST125 or PGRST126."""
    parts = path.removeprefix("/").split("/")
    if parts == [""]:
        if settings.openapi_mode == "disabled":
            raise errors.openapi_disabled()
        return Resource(FUNCTION, settings.db_root_spec) if settings.db_root_spec else Resource(ROOT)
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


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
