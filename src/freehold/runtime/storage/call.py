"""One request on its way through Storage, and what every part of Storage shares."""

from dataclasses import dataclass

from starlette.requests import Request

from freehold.kit import json_text
from freehold.kit.objects.store import ObjectStore, object_key
from freehold.runtime.database import Pool
from freehold.runtime.storage import errors, names
from freehold.runtime.storage.scope import Scope
from freehold.runtime.storage.tokens import Tokens

MAX_JSON_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Depot:
    """Where rows and bytes are."""

    pool: Pool
    store: ObjectStore
    tokens: Tokens
    file_size_limit: int
    """In bytes, for every bucket."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose route is known. `bucket` and `key` come from the path, "" where it has none."""

    depot: Depot
    request: Request
    scope: Scope
    bucket: str
    key: str
    authenticated: bool
    """False where a route lets strangers in and this one brought no token that holds."""

    @property
    def upsert(self) -> bool:
        """Whether the caller asked to replace what is there."""
        return self.request.headers.get("x-upsert") == "true"

    async def json(self) -> dict[str, object]:
        """Read the JSON object in the body; an empty body is an empty object."""
        content = bytearray()
        async for chunk in self.request.stream():
            content += chunk
            if len(content) > MAX_JSON_BYTES:
                raise errors.too_large("body")
        try:
            body = json_text.read(content or b"{}")
        except ValueError as error:
            raise errors.invalid_body("Body is not valid JSON") from error
        if not isinstance(body, dict):
            raise errors.invalid_body("body must be object")
        return body


def bytes_key(bucket: str, key: str, version: str | None) -> str:
    """Where the bytes of one version of an object are. Without a version (very old rows) there is one place."""
    return object_key(bucket, key, version or "")


def required_text(body: dict[str, object], name: str) -> str:
    """A property that has to be a string."""
    if name not in body:
        raise errors.invalid_body(f"body must have required property '{name}'")
    return optional_text(body, name)


def optional_text(body: dict[str, object], name: str) -> str:
    """A property that is a string when it is there, else ""."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise errors.invalid_body(f"body/{name} must be string")
    if "\0" in value:
        raise errors.invalid_body(f"body/{name} must not contain NUL")
    return value


def optional_count(body: dict[str, object], name: str, *, least: int) -> int | None:
    """A property that is a whole number when it is there; numbers in strings are read as such."""
    given = body.get(name)
    if given is None:
        return None
    value = names.whole_number(given) if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, int) or value > MAX_COUNT:
        raise errors.invalid_body(f"body/{name} must be integer")
    if value < least:
        raise errors.invalid_body(f"body/{name} must be >= {least}")
    return value


MAX_COUNT = 2**31 - 1
