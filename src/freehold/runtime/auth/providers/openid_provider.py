"""Providers that speak OpenID Connect: Google, Apple, Microsoft, and any other by its discovery document."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from freehold.runtime import openid
from freehold.runtime.auth.providers.person import Person, read_claims, with_name
from freehold.runtime.auth.providers.provider import (
    Arrival,
    Ask,
    Back,
    ProviderFault,
    challenge_of,
    nonce_of,
    text_of,
    token_of,
    with_parameters,
)
from freehold.runtime.auth.providers.settings import ISSUERS, AppleKey, ProviderSettings
from freehold.runtime.openid import Directory, Document, NotValid
from freehold.runtime.outbound import Outbound, Reply, check_address

APPLE_ISSUERS = ("https://appleid.apple.com", "https://account.apple.com")
GOOGLE_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLIENT_SECRET_SECONDS = 300
_SCOPES = {"apple": ("openid", "email", "name")}
_TENANTS_OF_ALL = frozenset({"common", "organizations", "consumers"})


@dataclass(frozen=True)
class OpenIdProvider:
    """One provider by its issuer."""

    settings: ProviderSettings
    outbound: Outbound
    directory: Directory

    @property
    def posts_back(self) -> bool:
        """Apple does, whenever it is asked for an address or a name."""
        return self.settings.name == "apple"

    async def address(self, ask: Ask) -> str:
        """Give the page where the person signs in."""
        document = await self.directory.document(self.settings.issuer)
        check_address(document.authorization_endpoint, allow_loopback=self.settings.is_on_this_machine)
        scopes = _SCOPES.get(self.settings.name, ("openid", "email", "profile"))
        own = {
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "response_type": "code",
            "scope": " ".join(dict.fromkeys((*scopes, *ask.scopes))),
            "state": ask.state,
            "nonce": nonce_of(ask.verifier),
        }
        if document.takes_pkce:
            own |= {"code_challenge": challenge_of(ask.verifier), "code_challenge_method": "S256"}
        if self.posts_back:
            own["response_mode"] = "form_post"
        return with_parameters(document.authorization_endpoint, own, ask.extra)

    async def arrival(self, back: Back) -> Arrival:
        """Exchange the code, check the ID token and read who came."""
        document = await self.directory.document(self.settings.issuer)
        _check_sender(document, back.issuer)
        token = token_of(await self._exchange(document, back))
        access_token = text_of(token, "access_token")
        try:
            claims = await self.claims(text_of(token, "id_token"), access_token=access_token)
            _check_party(claims, self.settings.client_id)
            _check_nonce(claims, nonce_of(back.verifier))
        except NotValid as error:
            raise ProviderFault(f"the ID token is not accepted: {error}") from error
        person = self.person(claims | await self._more(document, claims, access_token))
        if self.posts_back:
            person = with_name(person, _apple_name(back.user))
        return Arrival(person=person, access_token=access_token, refresh_token=text_of(token, "refresh_token"))

    async def claims(self, id_token: str, *, access_token: str = "") -> dict[str, object]:
        """Verify an ID token: signature, issuer, audience, times and, where it is there, at_hash. Raises NotValid."""
        if not id_token:
            raise NotValid("there is no ID token")
        document = await self.directory.document(self.settings.issuer)
        keys = await self.directory.keys(self.settings.issuer, openid.key_id_of(id_token))
        claims = openid.verified(id_token, keys)
        if text_of(claims, "iss").rstrip("/") not in self._issuers(document, claims):
            raise NotValid("the token is of another issuer")
        openid.check_times(claims)
        openid.check_audience(claims, self.settings.client_ids)
        if not isinstance(claims.get("iat"), int | float):
            raise NotValid("the token does not say when it was issued")
        if access_token and "at_hash" in claims and not _is_hash_of(text_of(claims, "at_hash"), access_token, id_token):
            raise NotValid("the token is for another access token")
        return claims

    def person(self, claims: Mapping[str, object]) -> Person:
        """Read verified claims. Raises ProviderFault when they name nobody."""
        person = read_claims(self.settings.name, claims, is_one_tenant=self._is_one_tenant)
        if not person.subject:
            raise ProviderFault("the provider named no user")
        return person

    @property
    def _is_one_tenant(self) -> bool:
        tenant = urlsplit(self.settings.issuer).path.strip("/").partition("/")[0]
        return tenant not in _TENANTS_OF_ALL

    def _issuers(self, document: Document, claims: Mapping[str, object]) -> tuple[str, ...]:
        if self.settings.issuer == ISSUERS["apple"]:
            return APPLE_ISSUERS
        if self.settings.issuer == ISSUERS["google"]:
            return GOOGLE_ISSUERS
        tenant = quote(text_of(claims, "tid"), safe="")
        return (document.issuer.replace("{tenantid}", tenant).rstrip("/"),)

    async def _exchange(self, document: Document, back: Back) -> Reply:
        client_id, secret = self.settings.client_id, self._secret()
        form = {"grant_type": "authorization_code", "code": back.code, "redirect_uri": self.settings.redirect_uri}
        if document.takes_pkce:
            form["code_verifier"] = back.verifier.reveal()
        if document.takes_secret_in_form:
            return await self.outbound.post(
                document.token_endpoint, form | {"client_id": client_id, "client_secret": secret}
            )
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
        headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        return await self.outbound.post(document.token_endpoint, form, headers)

    def _secret(self) -> str:
        key = self.settings.apple_key
        if self.settings.secret.reveal() or key is None:
            return self.settings.secret.reveal()
        return apple_client_secret(key, self.settings.client_id, self.settings.issuer)

    async def _more(self, document: Document, claims: Mapping[str, object], access_token: str) -> dict[str, object]:
        """Ask for what the ID token leaves out; Google, Apple and Microsoft put everything into it."""
        if self.settings.name in {"google", "apple", "azure"} and self.settings.issuer in ISSUERS.values():
            return {}
        if "email" in claims or not document.userinfo_endpoint:
            return {}
        reply = await self.outbound.get(document.userinfo_endpoint, {"authorization": f"Bearer {access_token}"})
        found = reply.mapping if reply.status == 200 else {}  # noqa: PLR2004 - UserInfo's only success
        if text_of(found, "sub") != text_of(claims, "sub"):
            raise ProviderFault("the user's details are of another user")
        kept = {"iss", "aud", "exp", "iat", "nonce", "azp"}
        return {name: value for name, value in found.items() if name not in kept}


def apple_client_secret(key: AppleKey, client_id: str, audience: str) -> str:
    """Make a client secret as Apple wants it: an ES256 token by the owner's key. Raises ProviderFault."""
    now = int(time.time())
    claims = {
        "iss": key.team_id,
        "iat": now,
        "exp": now + CLIENT_SECRET_SECONDS,
        "aud": audience,
        "sub": client_id,
    }
    try:
        signer = ECKey.import_key(key.pem.reveal())
        return jwt.encode({"alg": "ES256", "kid": key.key_id}, claims, signer, algorithms=["ES256"])
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderFault("AUTH_APPLE_KEY is no P-256 private key in PEM form", is_exchange=True) from error


def _check_sender(document: Document, issuer: str) -> None:
    """RFC 9207: an answer that another provider sent is refused before its code goes anywhere."""
    if (issuer or document.names_itself) and issuer.rstrip("/") != document.issuer.rstrip("/"):
        raise ProviderFault("the answer came from another provider", is_exchange=True)


def _check_party(claims: Mapping[str, object], client_id: str) -> None:
    if claims.get("azp", client_id) != client_id:
        raise NotValid("the token was issued to another client")


def _check_nonce(claims: Mapping[str, object], nonce: str) -> None:
    if not hmac.compare_digest(text_of(claims, "nonce").encode(), nonce.encode()):
        raise NotValid("the nonce is another sign-in's")


def _is_hash_of(expected: str, access_token: str, id_token: str) -> bool:
    """OpenID Connect Core 3.1.3.6: the left half of the digest that the signature's algorithm uses."""
    algorithm = openid.algorithm_of(id_token)
    size = {"384": "sha384", "512": "sha512"}.get(algorithm[-3:], "sha512" if algorithm.startswith("Ed") else "sha256")
    digest = hashlib.new(size, access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    return hmac.compare_digest(half.encode(), expected.encode())


def _apple_name(user: str) -> str:
    try:
        found = orjson.loads(user) if user else {}
    except orjson.JSONDecodeError:
        return ""
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, dict):
        return ""
    return " ".join(part for key in ("firstName", "lastName") if (part := text_of(name, key).strip()))[:255]
