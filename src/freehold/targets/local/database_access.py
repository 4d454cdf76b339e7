"""How people reach a running app's database: kept with the app's keys while it is up."""

import json
from dataclasses import dataclass

from freehold.core.errors import NotRunning
from freehold.core.ports import SecretStore
from freehold.core.secret import Secret
from freehold.kit import postgres

ENTRY = "freehold_database_access"


@dataclass(frozen=True, kw_only=True)
class Login:
    """libpq's own names; the password is a Secret."""

    parameters: dict[str, str]
    """host, port, dbname, user, sslmode ... without the password."""
    password: Secret

    def environment(self) -> dict[str, str]:
        """The PG* variables that libpq reads."""
        return postgres.environment({**self.parameters, "password": self.password.reveal()})


@dataclass(frozen=True, kw_only=True)
class Access:
    """The administrator's login and the one of the role that owns the app's tables."""

    admin: Login
    owner: Login


def write(store: SecretStore, access: Access) -> None:
    """Keep the access, encrypted, when it differs from what is kept."""
    text = json.dumps({"admin": _plain(access.admin), "owner": _plain(access.owner)}, sort_keys=True)
    kept = store.get(ENTRY)
    if kept is None or kept.reveal() != text:
        store.put(ENTRY, Secret(text))


def read(store: SecretStore) -> Access:
    """Read the access; raises NotRunning when the app was never up."""
    kept = store.get(ENTRY)
    if kept is None:
        raise NotRunning("this app was never up", hint="freehold up PATH")
    values = json.loads(kept.reveal())
    return Access(admin=_login(values["admin"]), owner=_login(values["owner"]))


def _plain(login: Login) -> dict[str, object]:
    return {"parameters": login.parameters, "password": login.password.reveal()}


def _login(values: dict[str, object]) -> Login:
    parameters = values["parameters"]
    return Login(
        parameters=dict(parameters) if isinstance(parameters, dict) else {},
        password=Secret(str(values["password"])),
    )
