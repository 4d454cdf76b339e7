"""`/~oauth`: what apps made with Lovable ask for when somebody signs in with Google, Apple or Microsoft.

The client (@lovable.dev/cloud-auth-js 1.2) opens `/~oauth/initiate?provider&redirect_uri&state`, in a popup with
`response_mode=web_message`. Here that leads to /auth/v1/authorize with the owner's own client id, and back over
`/~oauth/return`, whose page hands the session on: in the fragment of redirect_uri, or in a message to the opener. The
session only ever goes to pages of the app's own origin.
"""

import base64
import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from freehold.runtime.outbound import is_loopback
from freehold.runtime.services import Receive, Scope, Send, Services

LONGEST_STATE = 512
OUR_NAMES: Mapping[str, str] = {"google": "google", "apple": "apple", "microsoft": "azure"}
SECRET_NAMES: Mapping[str, str] = {"google": "GOOGLE", "apple": "APPLE", "microsoft": "AZURE"}
_OWN_PARAMETERS = frozenset({"provider", "redirect_uri", "state", "response_mode", "redirect_to", "skip_http_redirect"})
_SCRIPT = """
const wanted = JSON.parse(document.getElementById('wanted').textContent);
const got = new URLSearchParams(location.hash.slice(1) || location.search.slice(1));
const names = ['access_token', 'refresh_token', 'expires_in', 'expires_at', 'token_type', 'provider_token',
  'provider_refresh_token', 'error', 'error_code', 'error_description'];
const response = {state: wanted.state, ...wanted.error};
for (const name of names) if (got.has(name) && !(name in response)) response[name] = got.get(name);
history.replaceState(null, '', location.pathname);
if (wanted.mode === 'web_message') {
  if (window.opener) window.opener.postMessage({type: 'authorization_response', response}, wanted.origin);
  window.close();
} else {
  location.replace(wanted.redirect_uri.split('#')[0] + '#' + new URLSearchParams(response));
}
"""
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Signing in</title>
<p>{words}</p>
<script type="application/json" id="wanted">{wanted}</script>
<script>{script}</script>
</html>
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Where a sign-in has to end. `redirect_uri` was checked."""

    redirect_uri: str
    state: str
    is_message: bool

    @property
    def origin(self) -> str:
        """The origin of redirect_uri: the only one that a message is sent to."""
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}"


class BrokerApp:
    """Answers /initiate and /return."""

    def __init__(self, services: Services) -> None:
        """Only settings are needed: the rest is the work of /auth/v1."""
        self._public_url = services.settings.public_url
        external = services.settings.auth.get("external")
        self._external: Mapping[str, object] = external if isinstance(external, dict) else {}

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing runs here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        if scope["method"] not in {"GET", "HEAD"}:
            await _words(send, 405, "This address is opened by the browser: GET only.")
            return
        wanted = self._wanted(query)
        if wanted is None:
            await _words(send, 400, "redirect_uri must be an address of this app itself, and state a short text.")
        elif scope["path"] == "/initiate":
            await self._initiate(send, query, wanted)
        elif scope["path"] == "/return":
            await _page(send, wanted, {})
        else:
            await _words(send, 404, "Not found.")

    async def _initiate(self, send: Send, query: Mapping[str, str], wanted: Wanted) -> None:
        provider = query.get("provider", "")
        problem = self._problem(provider)
        if problem:
            await _page(send, wanted, {"error": "provider_not_available", "error_description": problem})
            return
        back = {"redirect_uri": wanted.redirect_uri, "state": wanted.state}
        back |= {"response_mode": "web_message"} if wanted.is_message else {}
        extra = {name: value for name, value in query.items() if name not in _OWN_PARAMETERS}
        # A laptop has two names: the answer goes to the one that asked, the sign-in stays at the public one.
        target = f"{wanted.origin}/~oauth/return?{urlencode(back)}"
        asked = extra | {"provider": OUR_NAMES[provider], "redirect_to": target}
        location = f"{self._public_url}/auth/v1/authorize?{urlencode(asked)}"
        await _send(send, 302, b"", [(b"location", location.encode())])

    def _wanted(self, query: Mapping[str, str]) -> Wanted | None:
        redirect_uri, state = query.get("redirect_uri") or self._public_url, query.get("state", "")
        if not self._is_own(redirect_uri) or len(state) > LONGEST_STATE:
            return None
        is_message = query.get("response_mode") == "web_message"
        return Wanted(redirect_uri=redirect_uri, state=state, is_message=is_message)

    def _is_own(self, url: str) -> bool:
        """Whether an address is on the app's own origin; on a laptop localhost and 127.0.0.1 are the same."""
        if any(character in url for character in "\\\r\n\t\0"):
            return False
        try:
            given, own = urlsplit(url), urlsplit(self._public_url)
            ports, hosts = (given.port, own.port), (given.hostname or "", own.hostname or "")
        except ValueError:
            return False
        if given.scheme != own.scheme or given.username is not None or ports[0] != ports[1]:
            return False
        return hosts[0] == hosts[1] or (is_loopback(hosts[0]) and is_loopback(hosts[1]))

    def _problem(self, provider: str) -> str:
        if provider == "lovable":
            return "Signing in with a Lovable account works only on Lovable. Use another way to sign in."
        if provider not in OUR_NAMES:
            return f"The sign-in provider {provider[:40]!r} is not known here."
        table = self._external.get(OUR_NAMES[provider])
        if isinstance(table, dict) and table.get("enabled") is True and table.get("client_id"):
            return ""
        return (
            f"Signing in with {provider.capitalize()} is not set up yet. The owner of this app sets "
            f"AUTH_{SECRET_NAMES[provider]}_CLIENT_ID and AUTH_{SECRET_NAMES[provider]}_SECRET."
        )


async def _page(send: Send, wanted: Wanted, error: Mapping[str, str]) -> None:
    """Give the page that hands the session, or an error, to the app."""
    values = {
        "mode": "web_message" if wanted.is_message else "redirect",
        "origin": wanted.origin,
        "redirect_uri": wanted.redirect_uri,
        "state": wanted.state,
        "error": dict(error),
    }
    inside = orjson.dumps(values).decode().replace("<", "\\u003c")
    words = error.get("error_description", "Signing in. This window closes by itself.")
    body = _PAGE.format(words=html.escape(words), wanted=inside, script=_SCRIPT).encode()
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
    ]
    await _send(send, 200, body, headers)


async def _words(send: Send, status: int, words: str) -> None:
    await _send(send, status, words.encode(), [(b"content-type", b"text/plain; charset=utf-8")])


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    fixed = [
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *fixed]})
    await send({"type": "http.response.body", "body": body})
