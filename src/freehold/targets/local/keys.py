"""The keys and passwords that Freehold itself makes for one app: made once, kept in a secret store, never shown."""

import json
import secrets
from dataclasses import asdict, dataclass, fields

from freehold.core.ports import SecretStore
from freehold.core.secret import Secret
from freehold.platform.credentials import keys

ENTRY = "freehold_keys"
PASSWORD_BYTES = 24


@dataclass(frozen=True, kw_only=True)
class Keys:
    """All of one app's keys; the first six are what runtime/settings.py describes."""

    jwt_secret: str
    signing_key: str
    publishable_key: str
    secret_key: str
    anon_jwt: str
    service_role_jwt: str
    lovable_api_key: str
    """The virtual key that stands for the builder's: valid for this app's own endpoints only."""
    authenticator_password: str
    auth_password: str
    storage_password: str
    owner_password: str
    server_password: str
    server_secret_key: str
    """What the app's own Python server signs its sessions with."""

    def __repr__(self) -> str:
        """Show nothing."""
        return "Keys(…)"


def load_or_make(store: SecretStore) -> Keys:
    """Read the app's keys; those that are missing are made and stored.

    Not safe with two callers: the caller holds the place's lock.
    """
    stored = store.get(ENTRY)
    known: dict[str, str] = json.loads(stored.reveal()) if stored is not None else {}
    if known.keys() >= {item.name for item in fields(Keys)}:
        return Keys(**known)
    made = Keys(**(asdict(make()) | known))
    store.put(ENTRY, Secret(json.dumps(asdict(made))))
    return made


def make() -> Keys:
    """Make all of an app's keys and passwords anew."""
    project = keys.new_keys()
    return Keys(
        jwt_secret=project.jwt_secret.reveal(),
        signing_key=project.signing_key.reveal(),
        publishable_key=project.publishable_key,
        secret_key=project.secret_key.reveal(),
        anon_jwt=project.anon_jwt,
        service_role_jwt=project.service_role_jwt.reveal(),
        lovable_api_key="fh_" + secrets.token_urlsafe(PASSWORD_BYTES),
        authenticator_password=secrets.token_urlsafe(PASSWORD_BYTES),
        auth_password=secrets.token_urlsafe(PASSWORD_BYTES),
        storage_password=secrets.token_urlsafe(PASSWORD_BYTES),
        owner_password=secrets.token_urlsafe(PASSWORD_BYTES),
        server_password=secrets.token_urlsafe(PASSWORD_BYTES),
        server_secret_key=secrets.token_urlsafe(2 * PASSWORD_BYTES),
    )
