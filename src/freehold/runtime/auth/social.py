"""GET /authorize, GET and POST /callback, GET /user/identities/authorize: to a provider and back.

A sign-in belongs to the browser that began it: `/authorize` sets a cookie, and the callback takes the state only
together with it. Without that, somebody could have a stranger finish a sign-in that he began himself.
"""

import base64
import hashlib
import logging
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

import orjson

from freehold.core.secret import Secret
from freehold.runtime.auth import limits, linking, links, tokens
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid, oauth_refused, unexpected
from freehold.runtime.auth.guard import Signed
from freehold.runtime.auth.http import Json, Request, Response, ok, redirect
from freehold.runtime.auth.limits import Limit
from freehold.runtime.auth.providers.person import Person
from freehold.runtime.auth.providers.provider import Arrival, Ask, Back, Provider, ProviderFault
from freehold.runtime.auth.providers.settings import SPELLINGS
from freehold.runtime.auth.redirects import (
    redirect_target,
    with_callback_error,
    with_fragment,
    with_query,
    with_state_error,
)
from freehold.runtime.auth.statements import statement
from freehold.runtime.database import Connection
from freehold.runtime.outbound import NotReached

COOKIE = "freehold-sign-in"
FLOW_SECONDS = 300
BEGINNINGS = Limit(name="authorize", most=150, window_seconds=300)
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_OURS = frozenset(
    {
        "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "state", "code_challenge",
        "code_challenge_method", "code_verifier", "nonce", "request", "request_uri", "scope", "apikey", "provider",
        "scopes", "redirect_to", "skip_http_redirect", "invite_token",
    }
)  # fmt: skip
"""Parameters of /authorize that are not handed on to the provider."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A sign-in under way, as auth.flow_state has it."""

    id: uuid.UUID
    provider: str
    referrer: str
    is_pkce: bool
    linking_target: uuid.UUID | None
    email_optional: bool


async def authorize(auth: Auth, request: Request) -> Response:
    """Send the browser to a provider."""
    return await _begin(auth, request, None)


async def link(auth: Auth, request: Request, signed: Signed) -> Response:
    """Begin to add a provider to the signed-in user's account."""
    if not auth.config.manual_linking:
        raise ApiError(404, "manual_linking_disabled", "Manual linking is disabled")
    return await _begin(auth, request, signed.user.id)


async def callback(auth: Auth, request: Request) -> Response:
    """Take what the provider sent the browser back with, and send it on to the app."""
    values = _values(request)
    try:
        flow = await _find(auth, values.get("state", ""))
    except ApiError as error:
        return redirect(with_state_error(auth.config.site_url, error))
    try:
        return redirect(await _finish(auth, request, flow, values), 302)
    except ApiError as refusal:
        return redirect(with_callback_error(flow.referrer or auth.config.site_url, refusal), 302)


async def _begin(auth: Auth, request: Request, target: uuid.UUID | None) -> Response:
    await limits.count_client(auth.pool, request, BEGINNINGS)
    provider = _provider(auth, request.query.get("provider", ""))
    challenge = links.read_challenge(dict(request.query))
    flow_id, verifier = uuid.uuid4(), Secret(secrets.token_urlsafe(48))
    ask = Ask(state=str(flow_id), verifier=verifier, scopes=_scopes(request), extra=_extra(request))
    try:
        address = await provider.address(ask)
    except NotReached as error:
        _log.warning("sign-in with %s cannot begin: %s", provider.settings.name, error)
        raise unexpected(f"Unable to reach provider {provider.settings.name}") from error
    browser = _browser(request) or secrets.token_urlsafe(32)
    await auth.pool.run(
        [
            statement(
                "insert_provider_flow",
                flow_id,
                str(uuid.uuid4()) if challenge.is_given else "",
                challenge.method,
                challenge.value,
                provider.settings.name,
                redirect_target(auth.config, request),
                target,
                provider.settings.email_optional,
                "",
            ),
            statement("insert_sign_in", flow_id, verifier.reveal(), _digest(browser)),
        ]
    )
    headers = (("set-cookie", _cookie(auth, provider, browser)),)
    if request.query.get("skip_http_redirect") == "true":
        return ok({"url": address}, headers=headers)
    return redirect(address, 302, headers)


def _provider(auth: Auth, name: str) -> Provider:
    name = SPELLINGS.get(name.lower(), name.lower())
    found = auth.providers.find(name)
    if found is None:
        settings = auth.config.providers.get(name)
        reason = settings.problem if settings else "provider is not enabled"
        raise invalid(f"Unsupported provider: {reason}")
    return found


async def _find(auth: Auth, state: str) -> Flow:
    if not state:
        raise ApiError(400, "bad_oauth_callback", "OAuth state parameter missing")
    try:
        flow_id = uuid.UUID(state)
    except ValueError as error:
        raise ApiError(400, "bad_oauth_state", "OAuth state parameter is invalid") from error
    results = await auth.pool.run([statement("flow", flow_id)])
    if not results[0].rows:
        raise ApiError(400, "bad_oauth_state", "OAuth state not found or expired")
    row: Json = orjson.loads(results[0].rows[0][0] or b"{}")
    if row["age_seconds"] > FLOW_SECONDS:
        raise ApiError(400, "bad_oauth_state", "OAuth state has expired")
    if not row["is_open"]:
        raise ApiError(400, "flow_state_already_used", "State has already been used")
    return Flow(
        id=flow_id,
        provider=row["provider_type"],
        referrer=row["referrer"] or "",
        is_pkce=bool(row["code_challenge"]),
        linking_target=uuid.UUID(row["linking_target_id"]) if row["linking_target_id"] else None,
        email_optional=row["email_optional"],
    )


async def _finish(auth: Auth, request: Request, flow: Flow, values: Mapping[str, str]) -> str:
    """Give where the browser goes now."""
    # Taken before anything else, in a transaction of its own: no state is tried twice, and none by another browser.
    results = await auth.pool.run([statement("take_sign_in", flow.id, _digest(_browser(request)))])
    if not results[0].rows:
        raise ApiError(400, "bad_oauth_state", "The sign-in was begun in another browser, or cookies are off")
    verifier = Secret((results[0].rows[0][0] or b"").decode())
    if values.get("error"):
        raise oauth_refused(values["error"], values.get("error_description", ""))
    if not values.get("code"):
        message = "OAuth callback with missing authorization code missing"
        raise ApiError(400, "bad_oauth_callback", message)
    arrival = await _arrival(auth, flow, verifier, values)
    async with auth.mailing_transaction() as connection:
        try:
            user_id = await _account(auth, connection, request, flow, arrival.person)
        except linking.Kept as waiting:
            refusal = waiting.refusal
        else:
            return await _go_on(auth, connection, request, flow, arrival, user_id)
    raise refusal


async def _arrival(auth: Auth, flow: Flow, verifier: Secret, values: Mapping[str, str]) -> Arrival:
    provider = auth.providers.find(flow.provider)
    if provider is None:
        raise ApiError(400, "oauth_provider_not_supported", "Unsupported provider: provider is not enabled")
    back = Back(code=values["code"], verifier=verifier, issuer=values.get("iss", ""), user=values.get("user", ""))
    try:
        return await provider.arrival(back)
    except (NotReached, ProviderFault) as error:
        _log.warning("sign-in with %s failed: %s", flow.provider, error)
        if isinstance(error, ProviderFault) and error.is_exchange:
            raise unexpected(f"Unable to exchange external code: {values['code'][:4]}") from error
        raise unexpected("Error getting user profile from external provider") from error


async def _account(auth: Auth, connection: Connection, request: Request, flow: Flow, person: Person) -> uuid.UUID:
    if flow.linking_target is not None:
        return await linking.link_to(auth, connection, request, flow.provider, person, target=flow.linking_target)
    return await linking.sign_in(auth, connection, request, flow.provider, person, email_optional=flow.email_optional)


async def _go_on(  # noqa: PLR0913, PLR0917 - the whole of a sign-in that succeeded
    auth: Auth, connection: Connection, request: Request, flow: Flow, arrival: Arrival, user_id: uuid.UUID
) -> str:
    target = flow.referrer or auth.config.site_url
    if flow.is_pkce:
        finish = statement("finish_flow", flow.id, user_id, arrival.access_token, arrival.refresh_token)
        results = await connection.run([finish])
        return with_query(target, {"code": (results[0].one()[0] or b"").decode()})
    session = await tokens.open_session(auth, connection, request, user_id, "oauth")
    await connection.run([statement("delete_flow", flow.id)])
    names = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")
    values = {name: str(session[name]) for name in names} | {"provider_token": arrival.access_token, "sb": ""}
    if arrival.refresh_token:
        values["provider_refresh_token"] = arrival.refresh_token
    return with_fragment(target, values)


def _values(request: Request) -> dict[str, str]:
    if request.method != "POST":
        return dict(request.query)
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _scopes(request: Request) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", request.query.get("scopes", "")) if part)


def _extra(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name.lower() not in _OURS}


def _browser(request: Request) -> str:
    """Give the cookie of this browser, "" without a usable one."""
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None and _BROWSER.fullmatch(morsel.value) else ""


def _cookie(auth: Auth, provider: Provider, browser: str) -> str:
    is_https = auth.config.external_url.startswith("https:")
    same_site = "None" if provider.posts_back and is_https else "Lax"
    secure = "; Secure" if is_https else ""
    return f"{COOKIE}={browser}; Path=/auth/v1; Max-Age=600; HttpOnly; SameSite={same_site}{secure}"


def _digest(browser: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(browser.encode()).digest()).decode()
