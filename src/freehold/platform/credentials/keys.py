"""A project's own keys: what signs users' tokens, and what names the roles anon and service_role."""

import json
import secrets
import time
import uuid
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret

ISSUER = "supabase"
KEY_LIFETIME_SECONDS = 10 * 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Everything a new project needs; the fields have the names of runtime.settings.Settings."""

    jwt_secret: Secret
    signing_key: Secret
    publishable_key: str
    secret_key: Secret
    anon_jwt: str
    service_role_jwt: Secret


def new_keys() -> Keys:
    """Make a project's keys from the system's random source."""
    jwt_secret = new_jwt_secret()
    return Keys(
        jwt_secret=jwt_secret,
        signing_key=new_signing_key(),
        publishable_key=new_publishable_key(),
        secret_key=new_secret_key(),
        anon_jwt=role_jwt("anon", jwt_secret),
        service_role_jwt=Secret(role_jwt("service_role", jwt_secret)),
    )


def new_jwt_secret() -> Secret:
    """Make an HS256 secret of 64 characters (384 random bits)."""
    return Secret(secrets.token_urlsafe(48))


def new_signing_key() -> Secret:
    """Make a private ES256 key as a JWK in JSON, with a random `kid`."""
    key = ECKey.generate_key("P-256", {"kid": str(uuid.uuid4()), "alg": "ES256", "use": "sig"}, private=True)
    return Secret(json.dumps(key.as_dict(private=True), sort_keys=True))


def new_publishable_key() -> str:
    """Make a key that names the role anon; it may be published."""
    return f"sb_publishable_{secrets.token_urlsafe(24)}"


def new_secret_key() -> Secret:
    """Make a key that names the role service_role."""
    return Secret(f"sb_secret_{secrets.token_urlsafe(32)}")


def role_jwt(role: str, jwt_secret: Secret) -> str:
    """Sign a role's key in JWT form, valid for ten years: for code that expects one."""
    now = int(time.time())
    claims = {"iss": ISSUER, "role": role, "iat": now, "exp": now + KEY_LIFETIME_SECONDS}
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(jwt_secret.reveal()))
