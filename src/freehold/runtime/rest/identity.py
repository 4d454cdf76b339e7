"""Who is asking: by the app's sessions when embedded, by PostgREST's own JWT rules when the core runs alone."""

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError

from freehold.kit import json_text
from freehold.runtime.rest import errors, jwtpath
from freehold.runtime.rest.errors import ApiError, Header
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.session import NUMBER, Caller, Refused, Sessions

ALLOWED_SKEW_SECONDS = 30
SHORTEST_SECRET_BYTES = 32
ALGORITHMS = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA",
]  # fmt: skip

Headers = Iterable[tuple[bytes, bytes]]
Identify = Callable[[Headers], Caller]
"""Gives the caller of a request with these ASGI headers, or raises ApiError."""


def of_sessions(sessions: Sessions) -> Identify:
    """Ask the app's sessions."""

    def identify(headers: Headers) -> Caller:
        try:
            return sessions.identify(headers)
        except Refused as refused:
            raise _refusal(refused) from refused

    return identify


class Tokens:
    """PostgREST's own rules: a bearer token, or the anonymous role."""

    def __init__(self, settings: RestSettings) -> None:
        """Import the keys; a secret that cannot be used raises ValueError, which never shows it."""
        self._settings = settings
        self._keys = _import_keys(settings)
        self._role_path = jwtpath.parse(settings.jwt_role_claim_key)
        self._verified: dict[str, dict[str, Any]] = {}
        self._callers: dict[str, Caller] = {}
        """Of tokens in `_verified`, once their role and audience were accepted."""
        self._anonymous = self._caller({}, "") if settings.db_anon_role is not None else None
        self.lookups = self.hits = self.evictions = 0

    def __call__(self, headers: Headers) -> Caller:
        """Give the caller; raises ApiError PGRST300 to PGRST303."""
        token = _bearer(headers)
        if token is None and self._anonymous is not None:
            return self._anonymous
        claims = {} if token is None else self._claims(token)
        _check_times(claims)
        caller = self._callers.get(token or "")
        if caller is None:
            _check_audience(claims, self._settings.jwt_aud)
            caller = self._caller(claims, token or "")
            if token in self._verified:
                self._callers[token] = caller
        return caller

    def _caller(self, claims: dict[str, Any], token: str) -> Caller:
        role = jwtpath.walk(claims, self._role_path) if claims else None
        if role is None:
            role = self._settings.db_anon_role
        if role is None:
            raise errors.token_required()
        name = role if isinstance(role, str) else json.dumps(role, separators=(",", ":"))
        shown = claims | {"role": name}
        return Caller(name, shown, json.dumps(shown, separators=(",", ":"), ensure_ascii=False), token)

    def _claims(self, token: str) -> dict[str, Any]:
        if self._keys is None:
            raise errors.missing_jwt_secret()
        limit = self._settings.jwt_cache_max_entries
        if not limit:
            return _verify(token, self._keys)
        self.lookups += 1
        known = self._verified.get(token)
        if known is not None:
            self.hits += 1
            return known
        known = _verify(token, self._keys)
        if len(self._verified) >= limit:
            oldest = next(iter(self._verified))
            del self._verified[oldest]
            self._callers.pop(oldest, None)
            self.evictions += 1
        self._verified[token] = known
        return known


def _refusal(refused: Refused) -> ApiError:
    if refused.missing:
        challenge: Header = (b"www-authenticate", b"Bearer")
        return ApiError(401, "PGRST301", refused.reason, headers=[challenge])
    if refused.expired or refused.reason.startswith("JWT not yet") or refused.reason.startswith("JWT issued"):
        return errors.refused_claims(refused.reason)
    return errors.undecodable_token(refused.reason)


def _bearer(headers: Headers) -> str | None:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else None
    return None


def _import_keys(settings: RestSettings) -> jwk.KeySet | None:
    if not settings.jwt_secret:
        return None
    secret = _secret_bytes(settings)
    try:
        parsed = json.loads(secret)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        try:
            return jwk.KeySet([jwk.import_key(item) for item in parsed.get("keys", [parsed])])
        except (JoseError, ValueError, TypeError, AttributeError, KeyError):
            raise ValueError("The JWK or JWK set cannot be read.") from None
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise ValueError(f"The JWT secret must be at least {SHORTEST_SECRET_BYTES} characters long.")
    return jwk.KeySet([jwk.OctKey.import_key(secret)])


def _secret_bytes(settings: RestSettings) -> bytes:
    secret = settings.jwt_secret.encode("utf-8", "surrogateescape")
    if not settings.jwt_secret_is_base64:
        return secret
    try:
        return base64.b64decode(secret.strip().translate(bytes.maketrans(b"-_.", b"+/=")), validate=True)
    except binascii.Error:
        raise ValueError("The JWT secret is not base64.") from None


def _verify(token: str, keys: jwk.KeySet) -> dict[str, Any]:
    if not token:
        raise errors.undecodable_token("Empty JWT is sent in Authorization header")
    parts = token.count(".") + 1
    if parts != 3:  # noqa: PLR2004 - a JWS in compact form has three parts
        raise errors.undecodable_token(f"Expected 3 parts in JWT; got {parts}")
    header = _protected_header(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise errors.undecodable_token(
            "Wrong or unsupported encoding algorithm",
            "JWT is unsecured but expected 'alg' was not 'none'" if algorithm == "none" else None,
        )
    fitting = [key for key in keys.keys if _fits(key, header)]
    if not fitting:
        raise errors.undecodable_token(
            "No suitable key or wrong key type", "None of the keys was able to decode the JWT"
        )
    for key in fitting:
        try:
            payload = jws.deserialize_compact(token, key, algorithms=ALGORITHMS).payload
        except (UnsupportedAlgorithmError, JoseError, ValueError, RecursionError):
            continue
        return _object(payload)
    raise errors.undecodable_token("No suitable key or wrong key type", "None of the keys was able to decode the JWT")


def _protected_header(token: str) -> dict[str, Any]:
    raw = token.partition(".")[0]
    try:
        header = json_text.read(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    except ValueError as error:
        raise errors.undecodable_token("JWT cryptographic operation failed") from error
    return header if isinstance(header, dict) else {}


def _fits(key: Any, header: Mapping[str, Any]) -> bool:  # noqa: ANN401 - joserfc's key classes share no public base
    algorithm = str(header.get("alg"))
    kinds = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
    if key.key_type != kinds[algorithm[:2]]:
        return False
    wanted, own = header.get("kid"), key.kid
    return wanted is None or own is None or wanted == own


def _object(payload: bytes) -> dict[str, Any]:
    try:
        claims = json_text.read(payload)
    except ValueError as error:
        raise errors.refused_claims("Parsing claims failed") from error
    if not isinstance(claims, dict):
        raise errors.refused_claims("Parsing claims failed")
    return claims


def _check_times(claims: Mapping[str, object]) -> None:
    now = int(time.time())
    times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
    for name, value in times.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, NUMBER)):
            raise errors.refused_claims(f"The JWT '{name}' claim must be a number")
    expires, not_before, issued = (value if isinstance(value, NUMBER) else None for value in times.values())
    if expires is not None and now - ALLOWED_SKEW_SECONDS > expires:
        raise errors.refused_claims("JWT expired")
    if not_before is not None and now + ALLOWED_SKEW_SECONDS < not_before:
        raise errors.refused_claims("JWT not yet valid")
    if issued is not None and now + ALLOWED_SKEW_SECONDS < issued:
        raise errors.refused_claims("JWT issued at future")


def _check_audience(claims: Mapping[str, object], wanted: str) -> None:
    audience = claims.get("aud")
    if audience is None:
        return
    listed = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(item, str) for item in listed):
        raise errors.refused_claims("The JWT 'aud' claim must be a string or an array of strings")
    if wanted and listed and wanted not in listed:
        raise errors.refused_claims("JWT not in audience")
