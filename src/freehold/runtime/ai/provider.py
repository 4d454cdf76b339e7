"""The owner's AI provider: any service that speaks OpenAI's HTTP API answers what apps send to their builder's gateway.

Answers are streamed as they come. Statuses pass through, because apps branch on 402 and 429; only a refusal of the
owner's own key does not: to the app that is "not configured", and its user can do nothing about it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.kit import json_text
from freehold.runtime.services import Receive, Send

URL_NAME = "FREEHOLD_AI_URL"
KEY_NAME = "FREEHOLD_AI_KEY"
MODEL_NAME = "FREEHOLD_AI_MODEL"
LARGEST_BODY_BYTES = 32 * 1024 * 1024
CONNECT_SECONDS = 10
SILENCE_SECONDS = 120
KEY_REFUSED = (401, 403)
OWN_PREFIXES = {"api.openai.com": "openai/", "generativelanguage.googleapis.com": "google/"}
"""Builders name models as vendor/model; a vendor's own service does not know its own name as a prefix."""
_PASSED = ("content-type", "cache-control", "retry-after", "x-request-id")


class TooLarge(Exception):
    """The app sent more than LARGEST_BODY_BYTES."""


class KeyRefused(Exception):
    """The provider did not accept the owner's key."""


class Unreachable(Exception):
    """The provider could not be reached, or fell silent."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Where calls go. `url` ends with the API's version, such as https://openrouter.ai/api/v1."""

    url: str
    key: Secret
    model: str = ""
    """Used instead of the model that the app names, "" to keep the app's."""


def configured(secrets: Mapping[str, Secret]) -> Provider | None:
    """Give the provider that the owner's secrets name, None while one of the two is unset. Raises BadUsage."""
    if URL_NAME not in secrets or KEY_NAME not in secrets:
        return None
    url = secrets[URL_NAME].reveal().strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise BadUsage(
            f"{URL_NAME} is no address",
            hint=f"freehold secrets set {URL_NAME}   and give an address such as https://HOST/v1",
        )
    model = secrets[MODEL_NAME].reveal().strip() if MODEL_NAME in secrets else ""
    return Provider(url=url, key=secrets[KEY_NAME], model=model)


class Client:
    """Sends calls to one provider; keeps connections."""

    def __init__(self, provider: Provider) -> None:
        """Open the client; needs a running event loop."""
        self._provider = provider
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        self._session = aiohttp.ClientSession(trust_env=True, timeout=timeout)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def forward(self, path: str, content_type: str, receive: Receive, send: Send) -> None:
        """Send one call to the provider and its answer to the app; raises TooLarge, KeyRefused or Unreachable.

        `path` begins with the version that the builder's gateway uses: /v1/chat/completions.
        """
        body = await _read(receive)
        if content_type.startswith("application/json"):
            body = with_model(body, self._provider)
        headers = {"authorization": f"Bearer {self._provider.key.reveal()}", "content-type": content_type}
        url = self._provider.url + path.removeprefix("/v1")
        started = False
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if answer.status in KEY_REFUSED:
                    raise KeyRefused
                await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer)})
                started = True
                async for block in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": block, "more_body": True})
        except (aiohttp.ClientError, TimeoutError) as error:
            if not started:
                raise Unreachable(type(error).__name__) from error
            raise ConnectionAbortedError("the provider broke off its answer") from error
        await send({"type": "http.response.body", "body": b""})


def with_model(body: bytes, provider: Provider) -> bytes:
    """Give the body with the model's name as this provider knows it; what is no JSON object stays as it is."""
    try:
        call = json_text.read(body)
    except ValueError:  # the provider says what it thinks of it
        return body
    if not isinstance(call, dict) or not isinstance(call.get("model"), str):
        return body
    prefix = OWN_PREFIXES.get(urlsplit(provider.url).hostname or "", "")
    call["model"] = provider.model or call["model"].removeprefix(prefix)
    return json.dumps(call).encode()


async def _read(receive: Receive) -> bytes:
    parts = [part async for part in _parts(receive)]
    return b"".join(parts)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise asyncio.CancelledError
        size += len(message.get("body", b""))
        if size > LARGEST_BODY_BYTES:
            raise TooLarge
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _headers(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), answer.headers[name].encode()) for name in _PASSED if name in answer.headers]
