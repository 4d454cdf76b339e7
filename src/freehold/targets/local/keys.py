"""The keys and passwords that Freehold itself makes for one app: made once, kept in a secret store, never shown."""

import json
import secrets
from dataclasses import asdict, dataclass

from freehold.core.ports import SecretStore
from freehold.core.secret import Secret
from freehold.platform.credentials import keys

ENTRY = "freehold_keys"
PASSWORD_BYTES = 24


@dataclass(frozen=True, kw_only=True)
class Keys:
    """All of one app's keys; the values are what runtime/settings.py describes."""

    jwt_secret: str
    signing_key: str
    publishable_key: str
    secret_key: str
    anon_jwt: str
    service_role_jwt: str
    lovable_api_key: str
    authenticator_password: str
    auth_password: str
    storage_password: str
    owner_password: str


def load_or_make(store: SecretStore) -> Keys:
    """Read the app's keys, or make and store them. Not safe with two callers: the caller holds the place's lock."""
    stored = store.get(ENTRY)
    if stored is not None:
        return Keys(**json.loads(stored.reveal()))
    made = _make()
    store.put(ENTRY, Secret(json.dumps(asdict(made))))
    return made


def _make() -> Keys:
    jwt_secret = secrets.token_urlsafe(48)
    return Keys(
        jwt_secret=jwt_secret,
        signing_key=keys.new_signing_key(),
        publishable_key=keys.new_publishable_key(),
        secret_key=keys.new_secret_key(),
        anon_jwt=keys.role_jwt("anon", jwt_secret),
        service_role_jwt=keys.role_jwt("service_role", jwt_secret),
        lovable_api_key="fh_" + secrets.token_urlsafe(PASSWORD_BYTES),
        authenticator_password=secrets.token_urlsafe(PASSWORD_BYTES),
        auth_password=secrets.token_urlsafe(PASSWORD_BYTES),
        storage_password=secrets.token_urlsafe(PASSWORD_BYTES),
        owner_password=secrets.token_urlsafe(PASSWORD_BYTES),
    )
