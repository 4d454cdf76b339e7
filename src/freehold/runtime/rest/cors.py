"""Cross-origin rules: any origin may call unless some are configured."""

from collections.abc import Mapping

from freehold.runtime.rest.errors import Header

METHODS = b"GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
EXPOSED = (
    b"Content-Encoding, Content-Location, Content-Range, Content-Type, "
    b"Date, Location, Server, Transfer-Encoding, Range-Unit"
)
ALWAYS_ALLOWED = ("Accept", "Accept-Language", "Content-Language")
MAX_AGE_SECONDS = b"86400"


def of_request(headers: Mapping[str, str], origins: tuple[str, ...]) -> list[Header]:
    """Give the headers for an answer; none without an Origin, or for one that is not allowed."""
    origin = headers.get("origin")
    if origin is None or (origins and origin not in origins):
        return []
    return [*_allowed(origin, origins), (b"access-control-expose-headers", EXPOSED)]


def preflight(method: str, headers: Mapping[str, str], origins: tuple[str, ...]) -> list[Header] | None:
    """Give the headers that answer a preflight request, None if this is none or it is not allowed."""
    origin = headers.get("origin")
    if method != "OPTIONS" or origin is None or "access-control-request-method" not in headers:
        return None
    if origins and origin not in origins:
        return None
    wanted = [item.strip() for item in headers.get("access-control-request-headers", "").split(",") if item.strip()]
    allowed = ", ".join(["Authorization", *wanted, *ALWAYS_ALLOWED]).translate({10: None, 13: None})
    return [
        *_allowed(origin, origins),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", allowed.encode("latin-1", "replace")),
        (b"access-control-max-age", MAX_AGE_SECONDS),
        (b"content-length", b"0"),
    ]


def _allowed(origin: str, origins: tuple[str, ...]) -> list[Header]:
    if not origins:
        return [(b"access-control-allow-origin", b"*")]
    return [
        (b"access-control-allow-origin", origin.encode("latin-1", "replace")),
        (b"access-control-allow-credentials", b"true"),
    ]
