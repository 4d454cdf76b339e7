"""A program's answer on its way to the client, as it streams."""

import aiohttp

from freehold.runtime.services import Send

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "host", "expect")
)  # fmt: skip
NOT_FORWARDED = HOP_BY_HOP | {"accept-encoding"}
"""Compression is the front's work: a stream that the program's side compresses would come in bursts."""
NOT_RETURNED = HOP_BY_HOP | {"date", "server"}


async def pass_on(response: aiohttp.ClientResponse, request_id: str, send: Send) -> None:
    """Send status, headers and body; the request's id comes along, by which its log lines are found."""
    given = [(name.lower(), value) for name, value in response.raw_headers]
    headers = [(name, value) for name, value in given if name.decode("latin-1") not in NOT_RETURNED]
    headers.append((b"sb-request-id", request_id.encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    async for block in response.content.iter_any():
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
