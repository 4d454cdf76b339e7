"""Cross-origin rules of the builder's back end: any origin may call, because identity is a token and never a cookie."""

from collections.abc import Iterable

from freehold.runtime.services import Message, Scope, Send

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED = b"Content-Range, Range, Content-Location, Location, X-Total-Count, Link, X-Supabase-Api-Version, ETag"
MAX_AGE_SECONDS = b"86400"


async def answer_preflight(scope: Scope, send: Send) -> bool:
    """Answer a preflight request; say whether this was one."""
    headers = dict(scope["headers"])
    if scope["method"] != "OPTIONS" or b"access-control-request-method" not in headers:
        return False
    wanted = headers.get(b"access-control-request-headers", b"authorization, apikey, content-type, x-client-info")
    answer = [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", wanted),
        (b"access-control-max-age", MAX_AGE_SECONDS),
        (b"vary", b"Origin, Access-Control-Request-Headers"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})
    return True


def allowing(send: Send) -> Send:
    """Wrap `send` so that the answer may be read from any origin."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*_without_cors(message.get("headers", ())), *_CORS]
        await send(message)

    return wrapped


_CORS = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED))


def _without_cors(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [item for item in headers if not item[0].lower().startswith(b"access-control-")]
