"""The other protocols of this process, spoken to as from outside: their front doors guard, limit and log.

So nothing that they do is done a second time here, and no protocol knows another's code: `app.py` introduces them.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from freehold.kit import json_text
from freehold.runtime.services import Message, ProtocolApp, Scope


@dataclass(frozen=True, kw_only=True)
class PeerAnswer:
    """What a peer answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def table(self) -> dict[str, Any]:
        """Its JSON object; an empty one for anything else."""
        try:
            value = json_text.read(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Peer:
    """One protocol."""

    app: ProtocolApp

    async def ask(  # noqa: PLR0913 - the parts of a request
        self,
        asker: Scope,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] = b"",
    ) -> PeerAnswer:
        """Send one request; the client's address stays that of `asker`, so that limits hold for whoever asks."""
        scope = scope_for(asker, method, path, query=query, headers=headers or {})
        stream = body if not isinstance(body, bytes) else _once(body)
        status, received, parts = 500, {}, []

        async def receive() -> Message:
            chunk = await anext(stream, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        async def send(message: Message) -> None:
            nonlocal status, received
            if message["type"] == "http.response.start":
                status = int(message["status"])
                received = {
                    name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
                }
            else:
                parts.append(message.get("body", b""))

        await self.app(scope, receive, send)
        return PeerAnswer(status=status, headers=received, body=b"".join(parts))

    async def ask_json(
        self, asker: Scope, method: str, path: str, value: object = None, *, headers: Mapping[str, str] | None = None
    ) -> PeerAnswer:
        """Send one request with a JSON body."""
        path, _, query = path.partition("?")
        body = b"" if value is None else json.dumps(value).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        return await self.ask(asker, method, path, query=query, headers=sent, body=body)


def scope_for(asker: Scope, method: str, path: str, *, query: str, headers: Mapping[str, str]) -> Scope:
    """A scope for a peer: the asker's connection with another request on it."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    host = [(name, value) for name, value in asker["headers"] if name in (b"host", b"user-agent")]
    return {
        "type": "http",
        "http_version": "1.1",
        "asgi": asker.get("asgi", {"version": "3.0"}),
        "scheme": asker.get("scheme", "http"),
        "server": asker.get("server"),
        "client": asker.get("client"),
        "root_path": "",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [*host, *raw],
    }


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
