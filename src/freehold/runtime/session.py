"""Who is asking: from the apikey and Authorization headers of one request to a role and claims.

There is no global caller and no fallback to a service role: what cannot be read as a valid token is refused, never
promoted. The rules are those of Supabase's front door (Kong and the CLI's proxy): an `sb_...` bearer means "no user
token"; the old back end's anon key is an opaque name for anon.
"""

import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import ECKey, GuestProtocol, OctKey, RSAKey

from freehold.runtime import openid
from freehold.runtime.settings import Settings
from freehold.runtime.trusted import Trusted

CLOCK_SKEW_SECONDS = 30
CACHED_TOKENS = 1000
NUMBER = (int, float)
NO_ROLES = frozenset({"", "none"})
"""`SET ROLE none` would mean the login role itself."""

SigningKey = ECKey | RSAKey


class Refused(Exception):
    """The request's credentials cannot be accepted; `reason` is PostgREST's or GoTrue's wording, never the token."""

    def __init__(self, reason: str, *, expired: bool = False, missing: bool = False) -> None:
        """Keep apart "expired" and "no key at all", which the protocols answer differently."""
        super().__init__(reason)
        self.reason = reason
        self.expired = expired
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's identity. `claims_json` is what request.jwt.claims is set to."""

    role: str
    claims: Mapping[str, object]
    claims_json: str
    token: str = ""
    """The user's token as sent, "" when a key named the role."""

    @property
    def user_id(self) -> str | None:
        """The `sub` claim, None for keys."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else None


def _caller(role: str) -> Caller:
    claims = {"role": role}
    return Caller(role, claims, json.dumps(claims, separators=(",", ":")))


ANON = _caller("anon")
SERVICE_ROLE = _caller("service_role")


class Sessions:
    """Reads identities and mints users' access tokens. Verified tokens are cached; `exp` is checked on every use."""

    def __init__(self, settings: Settings) -> None:
        """Import the keys once."""
        self._settings = settings
        self._anon_names = {settings.publishable_key, settings.anon_jwt, *settings.anon_names}
        self._service_names = (settings.secret_key.reveal(), settings.service_role_jwt.reveal())
        self._hmac_key = OctKey.import_key(settings.jwt_secret.reveal())
        self._signing_key, self._algorithm = _import_signing_key(settings)
        self._verified: dict[str, tuple[Caller, float, float]] = {}
        """By token: who it is, and from when until when that holds."""
        self.trusted = Trusted(settings)

    def identify(self, headers: Iterable[tuple[bytes, bytes]], *, query_apikey: str = "") -> Caller:
        """Give the caller of a request with these lower-case ASGI headers; raises Refused."""
        apikey = query_apikey
        authorization = ""
        for name, value in headers:
            if name == b"apikey":
                apikey = value.decode("latin-1")
            elif name == b"authorization":
                authorization = value.decode("latin-1")
        bearer = _bearer(authorization)
        if self._settings.require_apikey and not apikey and not bearer:
            raise Refused("No API key found in request", missing=True)
        if bearer and not bearer.startswith("sb_"):
            return self.verify(bearer)
        return self.of_key(apikey or bearer)

    def of_key(self, key: str) -> Caller:
        """Give the role that a key names; a key that is neither known nor a valid token raises Refused."""
        if not key:
            return ANON
        if key in self._anon_names:
            return ANON
        if any(hmac.compare_digest(key.encode(), name.encode()) for name in self._service_names):
            return SERVICE_ROLE
        if key.startswith("sb_"):
            raise Refused("Invalid API key")
        return self.verify(key)

    def verify(self, token: str) -> Caller:
        """Verify a JWT and give its caller; keys in JWT form are names and need no signature check."""
        if token in self._anon_names:
            return ANON
        known = self._verified.get(token)
        if known is not None:
            caller, begins, ends = known
            if begins <= time.time() <= ends:
                return caller
        else:
            caller = self._read(token)
        _check_times(caller.claims)
        if known is None:
            if len(self._verified) >= CACHED_TOKENS:
                self._verified.pop(next(iter(self._verified)))
            self._verified[token] = (caller, *_validity(caller.claims))
        return caller

    def mint(self, claims: Mapping[str, object]) -> str:
        """Sign a user's access token with the project's own key."""
        header = {"alg": self._algorithm, "typ": "JWT", "kid": self._signing_key.kid or ""}
        return jwt.encode(header, dict(claims), self._signing_key, algorithms=[self._algorithm])

    def jwks(self) -> dict[str, object]:
        """Give the public keys that verify what `mint` signs."""
        key = dict(self._signing_key.as_dict(private=False))
        return {"keys": [key | {"alg": self._algorithm, "use": "sig", "key_ops": ["verify"]}]}

    def _read(self, token: str) -> Caller:
        parts = token.count(".") + 1
        if parts != 3:  # noqa: PLR2004 - a JWS in compact form has three parts
            raise Refused(f"Expected 3 parts in JWT; got {parts}")
        claims = self._claims(token)
        _check_claims(claims)
        role = claims.get("role", "anon")
        if not isinstance(role, str) or role in NO_ROLES:
            raise Refused("The JWT's role claim does not name a role")
        return Caller(role, claims, json.dumps(claims, separators=(",", ":"), ensure_ascii=False), token)

    def _claims(self, token: str) -> dict[str, object]:
        """Verify the signature: by the keys of the trusted issuer that the token names, else by our own."""
        try:
            if self.trusted.knows(token):
                return self.trusted.verify(token)
            return openid.decoded(token, self._key_for, ("HS256", self._algorithm))
        except openid.NotValid as error:
            raise Refused("JWT cryptographic operation failed") from error

    def _key_for(self, protected: GuestProtocol) -> OctKey | SigningKey:
        """Bind each algorithm to its own key, so that a public key can never be used as an HMAC secret."""
        header = protected.headers()
        if header.get("alg") == "HS256":
            return self._hmac_key
        if header.get("alg") != self._algorithm or header.get("kid", self._signing_key.kid) != self._signing_key.kid:
            raise ValueError("no suitable key")
        return self._signing_key


def _import_signing_key(settings: Settings) -> tuple[SigningKey, str]:
    """Read the private JWK: P-256 signs with ES256, RSA with RS256."""
    values = json.loads(settings.signing_key.reveal())
    key = RSAKey.import_key(values) if values.get("kty") == "RSA" else ECKey.import_key(values)
    key.ensure_kid()
    return key, "RS256" if isinstance(key, RSAKey) else "ES256"


def _check_claims(claims: Mapping[str, object]) -> None:
    """Refuse times that are no numbers, and a signed-in user's token that never ends; a key may be endless."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Refused(f"The JWT's {name} claim is not a number")
    if claims.get("exp") is None and (claims.get("role") == "authenticated" or "session_id" in claims):
        raise Refused("The JWT of a signed-in user has no exp claim")


def _validity(claims: Mapping[str, object]) -> tuple[float, float]:
    """Give from when until when `_check_times` has nothing to say."""
    begins = [value for value in (claims.get("nbf"), claims.get("iat")) if isinstance(value, NUMBER)]
    ends = claims.get("exp")
    first = max(begins) - CLOCK_SKEW_SECONDS if begins else float("-inf")
    return first, ends + CLOCK_SKEW_SECONDS if isinstance(ends, NUMBER) else float("inf")


def _bearer(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _check_times(claims: Mapping[str, object]) -> None:
    now = time.time()
    expires, not_before, issued = claims.get("exp"), claims.get("nbf"), claims.get("iat")
    if isinstance(expires, NUMBER) and now > expires + CLOCK_SKEW_SECONDS:
        raise Refused("JWT expired", expired=True)
    if isinstance(not_before, NUMBER) and now < not_before - CLOCK_SKEW_SECONDS:
        raise Refused("JWT not yet valid")
    if isinstance(issued, NUMBER) and now < issued - CLOCK_SKEW_SECONDS:
        raise Refused("JWT issued at future")
