"""Reading a request's body, up to a limit."""

from freehold.runtime.rest import errors
from freehold.runtime.rest.request import WRITING_METHODS, Head
from freehold.runtime.rest.watch import ClientGone
from freehold.runtime.services import Receive


async def read_body(head: Head, receive: Receive, limit_bytes: int) -> bytes:
    """Give the whole body; raises ApiError 413 above the limit. Only methods that write have one."""
    if head.method not in WRITING_METHODS:
        return b""
    declared = head.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise errors.too_large(limit_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if message["type"] == "http.request" else _gone()
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            return _gone()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit_bytes:
            raise errors.too_large(limit_bytes)
    return b"".join(parts)


def _gone() -> bytes:
    raise ClientGone
