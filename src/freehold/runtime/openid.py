"""OpenID Connect as a relying party: what an issuer says about itself, its public keys, and tokens that it signed.

Rules: OpenID Connect Core 3.1.3.7 and Discovery 4.3. Only algorithms with public keys are known here, so a token can
be verified and never made.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, OctKey, OKPKey, RSAKey

from freehold.runtime.outbound import NotReached, Outbound

ALGORITHMS = ("RS256", "ES256", "PS256", "RS384", "RS512", "ES384", "ES512", "EdDSA", "Ed25519")
CLOCK_SKEW_SECONDS = 60
LONGEST_TOKEN = 16_384
DOCUMENT_SECONDS = 3600.0
KEYS_SECONDS = 600.0
REFRESH_AT_MOST_EVERY_SECONDS = 10.0
_WELL_KNOWN = "/.well-known/openid-configuration"

PublicKey = RSAKey | ECKey | OKPKey
Key = PublicKey | OctKey | Callable[[GuestProtocol], PublicKey | OctKey]
"""What verifies a token, or finds it by the token's header."""


class NotValid(Exception):
    """A token that is not accepted; the message says why and holds nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """What an issuer says about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    takes_secret_in_form: bool
    takes_pkce: bool
    names_itself: bool
    """Whether its callbacks carry `iss` (RFC 9207)."""


@dataclass(frozen=True)
class Keys:
    """An issuer's public keys by id; a key without one is under ""."""

    by_id: Mapping[str, PublicKey]

    def find(self, key_id: str) -> PublicKey | None:
        """Give the key that a token names; a token that names none may mean the only one."""
        if key_id:
            return self.by_id.get(key_id)
        return next(iter(self.by_id.values())) if len(self.by_id) == 1 else None


@dataclass
class _Known:
    document: Document
    read_at: float
    keys: Keys | None = None
    keys_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Directory:
    """Issuers' documents and keys, kept for a while. What cannot be read again stays in use as it was."""

    def __init__(self, outbound: Outbound, *, pause_seconds: float = REFRESH_AT_MOST_EVERY_SECONDS) -> None:
        """Nothing is asked yet. `pause_seconds`: keys are asked for no more often than this."""
        self._outbound = outbound
        self._pause_seconds = pause_seconds
        self._known: dict[str, _Known] = {}

    async def document(self, issuer: str) -> Document:
        """Give what the issuer says about itself. Raises NotReached."""
        return (await self._look_up(issuer)).document

    async def keys(self, issuer: str, key_id: str | None = None) -> Keys:
        """Give the issuer's keys; those it changed are found because an unknown id is asked for again."""
        known = await self._look_up(issuer)
        async with known.lock:
            age = time.monotonic() - known.keys_at
            is_missing = known.keys is None or (key_id is not None and known.keys.find(key_id) is None)
            if known.keys is None or age > KEYS_SECONDS or (is_missing and age > self._pause_seconds):
                known.keys = await self._read_keys(known)
                known.keys_at = time.monotonic()
            return known.keys

    async def keys_at(self, address: str) -> Keys:
        """Read keys at their address. Raises NotReached."""
        reply = await self._outbound.get(address)
        if reply.status != 200:  # noqa: PLR2004 - RFC 9110: keys come with 200 or not at all
            raise NotReached(f"{address} answered {reply.status}")
        return read_keys(reply.mapping)

    async def _look_up(self, issuer: str) -> _Known:
        known = self._known.get(issuer)
        if known is not None and time.monotonic() - known.read_at < DOCUMENT_SECONDS:
            return known
        try:
            document = await self._read_document(issuer)
        except NotReached:
            if known is None:
                raise
            known.read_at = time.monotonic() - DOCUMENT_SECONDS + REFRESH_AT_MOST_EVERY_SECONDS
            return known
        if known is None or known.document != document:
            known = self._known[issuer] = _Known(document=document, read_at=time.monotonic())
        known.read_at = time.monotonic()
        return known

    async def _read_document(self, issuer: str) -> Document:
        reply = await self._outbound.get(issuer.rstrip("/") + _WELL_KNOWN)
        if reply.status != 200:  # noqa: PLR2004 - Discovery 4.2: the only success
            raise NotReached(f"{issuer} answered {reply.status} for its OpenID configuration")
        return read_document(issuer, reply.mapping)

    async def _read_keys(self, known: _Known) -> Keys:
        try:
            return await self.keys_at(known.document.jwks_uri)
        except NotReached:
            if known.keys is None:
                raise
            return known.keys


def read_document(issuer: str, values: Mapping[str, object]) -> Document:
    """Read a discovery document; one that speaks for another issuer raises NotReached.

    Microsoft's documents for several tenants hold {tenantid} where the tenant will stand.
    """
    named = _text(values, "issuer")
    if named.rstrip("/") != issuer.rstrip("/") and "{tenantid}" not in named:
        raise NotReached(f"{issuer} says that it is {named!r}")
    methods = values.get("token_endpoint_auth_methods_supported")
    challenges = values.get("code_challenge_methods_supported")
    return Document(
        issuer=named,
        authorization_endpoint=_text(values, "authorization_endpoint"),
        token_endpoint=_text(values, "token_endpoint"),
        userinfo_endpoint=_text(values, "userinfo_endpoint"),
        jwks_uri=_text(values, "jwks_uri"),
        takes_secret_in_form=isinstance(methods, list) and "client_secret_post" in methods,
        takes_pkce=isinstance(challenges, list) and "S256" in challenges,
        names_itself=values.get("authorization_response_iss_parameter_supported") is True,
    )


def read_keys(values: Mapping[str, object]) -> Keys:
    """Read a JWKS without its symmetric, encryption and unreadable keys; one without others raises NotReached."""
    rows = values.get("keys")
    found: dict[str, PublicKey] = {}
    for row in rows if isinstance(rows, list) else []:
        key = _public_key(row) if isinstance(row, dict) and row.get("use", "sig") == "sig" else None
        if key is not None:
            found[key.kid or ""] = key
    if not found:
        raise NotReached("no public key to verify with was sent")
    return Keys(found)


def key_id_of(token: str) -> str:
    """Give the id of the key that a token says it was signed with, before anything is believed. Raises NotValid."""
    return _text(_header(token), "kid")


def algorithm_of(token: str) -> str:
    """Give the algorithm in a token's header. Raises NotValid."""
    return _text(_header(token), "alg")


def unverified(token: str) -> Mapping[str, object]:
    """Give a token's claims before anything is believed: only to find out whose keys to ask. Raises NotValid."""
    return _part(token, 1)


def verified(token: str, keys: Keys) -> dict[str, object]:
    """Give the claims of a token that one of these keys signed. Raises NotValid; times and names are checked apart."""

    def find(protected: GuestProtocol) -> PublicKey:
        header = protected.headers()
        key = keys.find(str(header.get("kid") or ""))
        named = key.as_dict(private=False).get("alg") if key is not None else None
        if key is None or "crit" in header or (named is not None and named != header.get("alg")):
            raise NotValid("no key of the issuer fits the token")
        return key

    return _of_fitting_length(token, find, ALGORITHMS)


def verified_by_secret(token: str, key: OctKey) -> dict[str, object]:
    """Give the claims of a token that was signed with this shared secret by HS256, and by nothing else."""
    return _of_fitting_length(token, key, ("HS256",))


def decoded(token: str, key: Key, algorithms: Iterable[str]) -> dict[str, object]:
    """Give the claims of a token whose signature holds. Raises NotValid, whatever a token is made of."""
    try:
        return dict(jwt.decode(token, key, algorithms=[*algorithms]).claims)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotValid(f"the signature does not hold: {type(error).__name__}") from error


def check_times(claims: Mapping[str, object]) -> None:
    """Raise NotValid for a token that is over, not begun or endless."""
    now = time.time()
    times = {name: claims.get(name) for name in ("exp", "iat", "nbf")}
    if any(value is not None and not _is_number(value) for value in times.values()):
        raise NotValid("a time in the token is no number")
    expires, issued, begins = times["exp"], times["iat"], times["nbf"]
    if not isinstance(expires, int | float) or now > expires + CLOCK_SKEW_SECONDS:
        raise NotValid("the token is expired")
    if any(isinstance(value, int | float) and now < value - CLOCK_SKEW_SECONDS for value in (issued, begins)):
        raise NotValid("the token is not valid yet")


def check_audience(claims: Mapping[str, object], accepted: tuple[str, ...]) -> None:
    """Raise NotValid unless the token was made for one of these clients, and for it alone where several are named."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if not any(isinstance(item, str) and item in accepted for item in named):
        raise NotValid(f"Unacceptable audience in id_token: {named}")
    if len(named) > 1 and claims.get("azp") not in accepted:
        raise NotValid(f"Unacceptable audience in id_token: {named}")


def _of_fitting_length(token: str, key: Key, algorithms: Iterable[str]) -> dict[str, object]:
    if len(token) > LONGEST_TOKEN:
        raise NotValid("the token is too long")
    return decoded(token, key, algorithms)


def _public_key(row: dict[str, object]) -> PublicKey | None:
    kinds: dict[object, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(row.get("kty"))
    names = {"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"}
    values: dict[str, str | list[str]] = {
        name: value for name, value in row.items() if name in names and isinstance(value, str)
    }
    try:
        return kind.import_key(values) if kind is not None else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def _header(token: str) -> Mapping[str, object]:
    return _part(token, 0)


def _part(token: str, index: int) -> Mapping[str, object]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_TOKEN:  # noqa: PLR2004 - a JWS in compact form has three parts
        raise NotValid("this is no signed token")
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))
    except ValueError as error:
        raise NotValid("this is no signed token") from error
    if not isinstance(found, dict):
        raise NotValid("this is no signed token")
    return found


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
