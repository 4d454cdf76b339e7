"""`/_freehold/ai`: calls that the app's code addresses to its builder's gateways arrive here, with our virtual key.

No provider is connected: every call with the right key is answered 503 with what to set. The status matters: apps show
"out of credits" for 402 and "slow down" for 429, which would both be untrue.
"""

import contextlib
import hmac
import json

from freehold.runtime.services import Receive, Scope, Send, Services

KEY_NAME = "LOVABLE_API_KEY"
_SET = "`freehold secrets set {name}`"
_MODELS = (
    "The app asked its builder's AI gateway, which it has left, and no AI provider is connected here. "
    "Change the function to call a provider of your own (OpenAI, Google, Anthropic or another), and give it that "
    "provider's key with " + _SET.format(name="OPENAI_API_KEY") + " (or the name that the function reads)."
)
_CONNECTORS = (
    "The app asked its builder's connector gateway for {service}, which it has left. Change the function to call "
    "{service} itself, and give it your own key with " + _SET.format(name="NAME") + "."
)
_PLATFORM = (
    "The app asked its builder's platform for a service (such as sending mail), which it has left. Change the function "
    "to use a service of your own, and give it that service's key with " + _SET.format(name="NAME") + "."
)


class AiApp:
    """Checks the virtual key and says what is missing."""

    def __init__(self, services: Services) -> None:
        """The key is the one that functions find under the builder's name for it."""
        secret = services.settings.function_secrets.get(KEY_NAME)
        self._key = secret.reveal().encode() if secret else b""

    async def start(self) -> None:
        """Nothing has to be loaded."""

    async def stop(self) -> None:
        """Nothing runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; the body is not read."""
        del receive
        if not self._key_fits(scope):
            return await _answer(send, 401, "unauthorized", f"The {KEY_NAME} of this call is missing or not this app's")
        return await _answer(send, 503, "not_configured", _message(scope["path"]))

    def _key_fits(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        given = [headers.get(b"lovable-api-key", b"")] + ([bearer.strip()] if scheme.lower() == b"bearer" else [])
        return bool(self._key) and any(hmac.compare_digest(self._key, value) for value in given)


def _message(path: str) -> str:
    kind, _, rest = path.removeprefix("/").partition("/")
    if kind == "connectors":
        return _CONNECTORS.format(service=rest.partition("/")[0] or "a service")
    return _PLATFORM if kind == "platform" else _MODELS


async def _answer(send: Send, status: int, kind: str, message: str) -> None:
    body = json.dumps({"type": kind, "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
