"""`/_freehold/ai`: calls that the app's code addresses to its builder's gateways arrive here, with our virtual key.

AI calls go to the owner's provider. Until one is set they are answered 503 with what to set. The status matters: apps
show "out of credits" for 402 and "slow down" for 429, which would both be untrue.
"""

import contextlib
import hmac
import json

from freehold.runtime.ai import provider
from freehold.runtime.ai.provider import KEY_NAME as PROVIDER_KEY
from freehold.runtime.ai.provider import URL_NAME as PROVIDER_URL
from freehold.runtime.services import Receive, Scope, Send, Services

KEY_NAME = "LOVABLE_API_KEY"
VERSION = "/v1/"
_SET = "`freehold secrets set {name}`"
_MODELS = (
    "No AI provider is set. Set the address of one that speaks OpenAI's API with "
    + _SET.format(name=PROVIDER_URL)
    + " (such as https://openrouter.ai/api/v1) and its key with "
    + _SET.format(name=PROVIDER_KEY)
    + "."
)
_REFUSED = "The AI provider refused its key. Set a valid one with " + _SET.format(name=PROVIDER_KEY) + "."
_UNREACHABLE = "The AI provider cannot be reached. Check its address: " + _SET.format(name=PROVIDER_URL) + "."
_CONNECTORS = (
    "The app asked its builder's connector gateway for {service}, which it has left. Change the function to call "
    "{service} itself, and give it your own key with " + _SET.format(name="NAME") + "."
)


class AiApp:
    """Checks the virtual key, and passes AI calls on or says what is missing."""

    def __init__(self, services: Services) -> None:
        """The virtual key is the one that functions find under the builder's name for it. Raises BadUsage."""
        secrets = services.settings.function_secrets
        self._key = secrets[KEY_NAME].reveal().encode() if KEY_NAME in secrets else b""
        self._provider = provider.configured(secrets)
        self._client: provider.Client | None = None

    async def start(self) -> None:
        """Open the client."""
        if self._provider is not None:
            self._client = provider.Client(self._provider)

    async def stop(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if not self._key_fits(scope):
            await _answer(send, 401, "unauthorized", f"The {KEY_NAME} of this call is missing or not this app's")
        elif self._client is None or not scope["path"].startswith(VERSION):
            await _answer(send, 503, "not_configured", _message(scope["path"]))
        elif scope["method"] != "POST":
            await _answer(send, 405, "method_not_allowed", "AI calls are POST requests")
        else:
            await _forward(self._client, scope, receive, send)

    def _key_fits(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        given = [headers.get(b"lovable-api-key", b"")] + ([bearer.strip()] if scheme.lower() == b"bearer" else [])
        return bool(self._key) and any(hmac.compare_digest(self._key, value) for value in given)


async def _forward(client: provider.Client, scope: Scope, receive: Receive, send: Send) -> None:
    content_type = dict(scope["headers"]).get(b"content-type", b"application/json").decode("latin-1")
    try:
        await client.forward(scope["path"], content_type, receive, send)
    except provider.TooLarge:
        await _answer(send, 413, "too_large", "The call is larger than 32 MiB")
    except provider.KeyRefused:
        await _answer(send, 503, "not_configured", _REFUSED)
    except provider.Unreachable:
        await _answer(send, 503, "unreachable", _UNREACHABLE)


def _message(path: str) -> str:
    kind, _, rest = path.removeprefix("/").partition("/")
    if kind == "connectors":
        return _CONNECTORS.format(service=rest.partition("/")[0] or "a service")
    return _MODELS


async def _answer(send: Send, status: int, kind: str, message: str) -> None:
    body = json.dumps({"type": kind, "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
