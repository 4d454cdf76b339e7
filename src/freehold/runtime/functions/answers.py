"""Answers that do not come from a function: who may not call, what is not there, what broke."""

import contextlib
import json
from dataclasses import dataclass, field

from freehold.runtime.services import Send


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer; any origin may read it, because the function that would say so did not run."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    async def send(self, send: Send) -> None:
        """Send it; a client that is gone is no error."""
        headers = [
            (b"content-length", b"%d" % len(self.body)),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", b"sb-error-code, retry-after"),
            *self.headers,
        ]
        with contextlib.suppress(ConnectionError):
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            await send({"type": "http.response.body", "body": self.body})


def problem(status: int, code: str, message: str, *, retry_seconds: float = 0) -> Answer:
    """Make an error in the edge runtime's shape."""
    headers = [(b"content-type", b"application/json"), (b"sb-error-code", code.encode())]
    if retry_seconds:
        headers.append((b"retry-after", b"%d" % max(1, round(retry_seconds))))
    body = json.dumps({"code": code, "message": message, "msg": message}).encode()
    return Answer(status=status, body=body, headers=tuple(headers))


NOT_FOUND = Answer(status=404, body=b"Function not found", headers=((b"content-type", b"text/plain; charset=utf-8"),))
NO_AUTH = problem(401, "UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header")
WORKER_ERROR = problem(500, "WORKER_ERROR", "Function exited due to an error (please check logs)")
WORKER_LIMIT = problem(
    546, "WORKER_LIMIT", "Function failed due to not having enough compute resources (please check logs)"
)
TIMED_OUT = problem(504, "REQUEST_TIMEOUT", "The function did not answer in time (please check logs)")
SHUTTING_DOWN = problem(503, "SHUTTING_DOWN", "The server is about to stop", retry_seconds=1)


def invalid_jwt(reason: str) -> Answer:
    """Refuse a token; the reason never holds the token."""
    code = "UNAUTHORIZED_INVALID_JWT_FORMAT" if "parts" in reason else "UNAUTHORIZED_INVALID_JWT"
    return problem(401, code, "Invalid JWT" if "parts" in reason else f"Invalid JWT: {reason}")


def boot_error(retry_seconds: float) -> Answer:
    """Say that a function does not start."""
    return problem(503, "BOOT_ERROR", "Worker failed to boot (please check logs)", retry_seconds=retry_seconds)
