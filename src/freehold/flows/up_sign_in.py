"""Sign-in by other providers: what the owner's secrets say about them, and what the app uses that is not set up."""

import re
from collections.abc import Callable, Iterable, Mapping

from freehold.core.inventory import Inventory

OLD_JWKS = "AUTH_OLD_JWKS"
"""The secret that holds the old back end's public keys, so that moved users' tokens last until they end."""
OLD_HS256 = "AUTH_OLD_HS256"
"""The same for an old back end that signs with a shared secret."""
_NAME = re.compile(r"AUTH_([A-Z0-9_]+?)_(CLIENT_ID|SECRET|URL|KEY|KEY_ID|TEAM_ID)")
_SPELLINGS = {"microsoft": "azure"}
_AT_ONE_ADDRESS = frozenset({"google", "apple", "azure", "github", "gitlab", "linkedin_oidc", "slack_oidc"})
_BY_ADDRESS = frozenset({"keycloak"})
Look = Callable[[str], object]
"""Gives what stands for a secret, a mark or its value; None when it is not set."""


def with_secrets(auth: Mapping[str, object], names: Iterable[str], look: Look) -> dict[str, object]:
    """Put AUTH_<PROVIDER>_CLIENT_ID and the like into [auth.external]; a client id switches its provider on."""
    external = {name: dict(table) for name, table in _external(auth).items()}
    for name in names:
        match, value = _NAME.fullmatch(name), look(name)
        if match is None or value is None:
            continue
        table = external.setdefault(match[1].lower(), {})
        table[match[2].lower()] = value
        if match[2] == "CLIENT_ID":
            table["enabled"] = True
    return {**auth, "external": external} if external else dict(auth)


def is_sign_in_secret(name: str) -> bool:
    """Whether a secret is for sign-in: functions do not get it, unless one reads that very name."""
    return name in (OLD_JWKS, OLD_HS256) or _NAME.fullmatch(name) is not None


def unset(inventory: Inventory, auth: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Providers that the app uses and nobody has set up, each with the secrets to set; () where there is no way."""
    external = _external(auth)
    used = {method.removeprefix("oauth:") for method in inventory.sign_in_methods if method.startswith("oauth:")}
    names = {_SPELLINGS.get(name, name) for name in used}
    names |= {name for name, table in external.items() if table.get("enabled") is True}
    found = {name: _missing(name, external.get(name, {})) for name in sorted(names)}
    return {name: missing for name, missing in found.items() if missing is not None}


def _missing(name: str, table: Mapping[str, object]) -> tuple[str, ...] | None:
    """Give the secrets that are missing; None when nothing is."""
    if name not in _AT_ONE_ADDRESS | _BY_ADDRESS and not table.get("url"):
        return ()
    wanted = [] if table.get("client_id") else ["CLIENT_ID"]
    if not table.get("secret"):
        of_key = ["KEY", "KEY_ID", "TEAM_ID"]
        wanted += [part for part in of_key if not table.get(part.lower())] if name == "apple" else ["SECRET"]
    if name in _BY_ADDRESS and not table.get("url"):
        wanted.append("URL")
    if not wanted and table.get("enabled") is True:
        return None
    return tuple(f"AUTH_{name.upper()}_{part}" for part in wanted or ["CLIENT_ID"])


def _external(auth: Mapping[str, object]) -> dict[str, dict[str, object]]:
    external = auth.get("external")
    tables = external.items() if isinstance(external, dict) else ()
    return {name: table for name, table in tables if isinstance(table, dict)}
