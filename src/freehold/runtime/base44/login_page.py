"""/login: the page that the SDK sends people to; and the way back from a provider. One file, no outside resource."""

import html
import json
from importlib import resources
from urllib.parse import quote, urlsplit

from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, plain

PROVIDERS = {"google": "google", "microsoft": "azure", "apple": "apple", "facebook": "facebook"}
"""Names of the SDK, and of the auth protocol."""
_NAMES = {"google": "Google", "azure": "Microsoft", "apple": "Apple", "facebook": "Facebook"}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


def page(context: Context, nonce: str, app_id: str) -> Answer:
    """Serve the page."""
    source = resources.files("freehold.runtime.base44").joinpath("login.html").read_text(encoding="utf-8")
    setup = {
        "app_id": context.app.app_id or app_id,
        "register": context.app.open_to_all,
        "origin": context.services.settings.public_url,
        "providers": [{"id": name, "name": _NAMES[name]} for name in context.app.providers if name in _NAMES],
    }
    encoded = json.dumps(setup).replace("<", "\\u003c")
    text = source.replace("__NAME__", html.escape(context.app.name or "this app"))
    text = text.replace("__NONCE__", nonce).replace("__SETUP__", encoded)
    policy = _POLICY.format(nonce=nonce).encode()
    headers = (
        (b"content-security-policy", policy),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(body=text.encode(), content_type=b"text/html; charset=utf-8", headers=headers)


def provider_login(context: Context, request: Request, provider: str) -> Answer:
    """Send the browser to a provider; it comes back to /login, which keeps the token and goes on to from_url."""
    name = PROVIDERS.get(provider)
    if name is None:
        raise plain(404, f"The provider {provider} is not known")
    origin = context.services.settings.public_url
    target = safe_target(origin, request.query.get("from_url", ""))
    back = f"{origin}/login?mode=provider&from_url={quote(target, safe='')}"
    if request.query.get("popup_origin"):
        back += "&popup=1"
    return redirect(f"/auth/v1/authorize?provider={name}&redirect_to={quote(back, safe='')}")


def logout(context: Context, request: Request) -> Answer:
    """Go back to where the person was: the token is forgotten in the browser."""
    return redirect(safe_target(context.services.settings.public_url, request.query.get("from_url", "")))


def redirect(address: str) -> Answer:
    """Send the browser elsewhere."""
    return Answer(status=302, headers=((b"location", address.encode("ascii", "ignore")),))


def safe_target(origin: str, address: str) -> str:
    """Give an address of the app's own origin as it is, and the app's first page for any other."""
    if any(ord(char) <= 32 or char == "\\" for char in address):  # noqa: PLR2004 - blanks and control characters
        return origin + "/"
    parts, own = urlsplit(address), urlsplit(origin)
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return address
    if not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//"):
        return origin + address
    return origin + "/"
