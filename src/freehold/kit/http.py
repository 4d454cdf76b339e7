"""One HTTP request to an address, as anybody could make it. Redirects are answers, not followed."""

import http.client
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


def ask(
    url: str, *, method: str = "GET", headers: Mapping[str, str], body: bytes = b"", timeout_seconds: float = 30.0
) -> Answer:
    """Ask http:// or https://; raises OSError, and http.client.HTTPException for what is no HTTP."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        return Answer(status=answer.status, body=answer.read())
    finally:
        connection.close()
