"""POST /token?grant_type=id_token: what a provider's own button or a phone's system dialog gave the app.

A token with a nonce counts once: who has seen both on the way cannot come again with them.
"""

import hashlib
import hmac
import logging
import time
import uuid

from freehold.runtime import openid
from freehold.runtime.auth import accounts, limits, linking, tokens
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid, oauth_refused, unexpected
from freehold.runtime.auth.guard import check_user
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.limits import Limit
from freehold.runtime.auth.providers.openid_provider import OpenIdProvider
from freehold.runtime.auth.providers.person import Person
from freehold.runtime.auth.providers.provider import ProviderFault, text_of
from freehold.runtime.auth.providers.settings import SPELLINGS
from freehold.runtime.database import Connection
from freehold.runtime.openid import NotValid
from freehold.runtime.outbound import NotReached

_log = logging.getLogger(__name__)


async def by_id_token(auth: Auth, request: Request) -> Response:
    """Give a session for a provider's ID token, or with `link_identity` add the provider to the signed-in user."""
    body = request.json()
    token = accounts.text(body, "id_token")
    if not token:
        raise oauth_refused("invalid request", "id_token required")
    target = await _target(auth, request, body)
    provider = _provider(auth, body)
    claims = await _claims(provider, body, token)
    person = _person(provider, claims)
    async with auth.mailing_transaction() as connection:
        await _count_once(connection, provider, claims)
        try:
            user_id = await _account(auth, connection, request, provider, person, target)
        except linking.Kept as waiting:
            refusal = waiting.refusal
        else:
            return ok(await tokens.open_session(auth, connection, request, user_id, "oauth"))
    raise refusal


async def _target(auth: Auth, request: Request, body: Json) -> uuid.UUID | None:
    if not accounts.flag(body, "link_identity", default=False):
        return None
    if not auth.config.manual_linking:
        raise ApiError(404, "manual_linking_disabled", "Manual linking is disabled")
    if not request.headers.get("authorization"):
        raise oauth_refused("invalid request", "Linking requires a valid user access token in Authorization")
    return (await check_user(auth, request)).user.id


def _provider(auth: Auth, body: Json) -> OpenIdProvider:
    name, issuer = accounts.text(body, "provider").lower(), accounts.text(body, "issuer").rstrip("/")
    if not name and not (accounts.text(body, "client_id") and issuer):
        raise oauth_refused("invalid request", "provider or client_id and issuer required")
    by_issuer = {item.issuer: item.name for item in auth.config.providers.values() if item.issuer}
    name = SPELLINGS.get(name, name) or by_issuer.get(issuer, "")
    found = auth.providers.issuing(name)
    if found is not None:
        return found
    if name in auth.config.providers or name in {"google", "apple", "azure", "keycloak", "facebook", "kakao"}:
        raise ApiError(400, "provider_disabled", f'Provider (issuer "{issuer or name}") is not enabled')
    raise invalid(f'Custom OIDC provider "{name or issuer}" not allowed')


async def _claims(provider: OpenIdProvider, body: Json, token: str) -> dict[str, object]:
    try:
        claims = await provider.claims(token, access_token=accounts.text(body, "access_token"))
    except NotValid as error:
        _log.info("an ID token for %s was refused: %s", provider.settings.name, error)
        reason = str(error) if str(error).startswith("Unacceptable audience") else "Bad ID token"
        raise oauth_refused("invalid request", reason) from error
    except NotReached as error:
        _log.warning("%s cannot be asked for its keys: %s", provider.settings.name, error)
        raise unexpected(f"Unable to reach provider {provider.settings.name}") from error
    if not provider.settings.skip_nonce_check:
        _check_nonce(text_of(claims, "nonce"), accounts.text(body, "nonce"))
    return claims


def _person(provider: OpenIdProvider, claims: dict[str, object]) -> Person:
    try:
        return provider.person(claims)
    except ProviderFault as error:
        raise oauth_refused("invalid request", "Missing sub claim in id_token") from error


def _check_nonce(in_token: str, given: str) -> None:
    if bool(in_token) != bool(given):
        message = "Passed nonce and nonce in id_token should either both exist or not."
        raise oauth_refused("invalid request", message)
    if in_token and not hmac.compare_digest(hashlib.sha256(given.encode()).hexdigest().encode(), in_token.encode()):
        raise oauth_refused("invalid nonce", "Nonces mismatch")


async def _count_once(connection: Connection, provider: OpenIdProvider, claims: dict[str, object]) -> None:
    """Count the nonce within the transaction that signs in: a sign-in that fails has not used it."""
    nonce = text_of(claims, "nonce")
    if not nonce or provider.settings.skip_nonce_check:
        return
    expires = claims["exp"]
    left = int(expires - time.time()) if isinstance(expires, int | float) else 0
    once = Limit(name="nonce", most=1, window_seconds=left + 2 * openid.CLOCK_SKEW_SECONDS)
    if not await limits.is_within(connection, once, f"{provider.settings.name} {nonce}"):
        raise oauth_refused("invalid nonce", "Nonce has been used")


async def _account(  # noqa: PLR0913, PLR0917 - who came, and into which account
    auth: Auth,
    connection: Connection,
    request: Request,
    provider: OpenIdProvider,
    person: Person,
    target: uuid.UUID | None,
) -> uuid.UUID:
    name = provider.settings.name
    if target is not None:
        return await linking.link_to(auth, connection, request, name, person, target=target)
    optional = provider.settings.email_optional
    return await linking.sign_in(auth, connection, request, name, person, email_optional=optional)
