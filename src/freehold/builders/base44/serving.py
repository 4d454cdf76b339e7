"""What serving a Base44 app takes: values for its build, settings for its server, a client that can be told."""

import hashlib
import re
from collections.abc import Mapping

from freehold.core.inventory import BackendAddress, ClientUpgrade

SDK = "@base44/sdk"
OLD_ORIGIN = "https://base44.app"
"""Where clients call that are not told otherwise; in the built files it becomes the app's own address."""
VISIBILITY = {
    "public": "public_without_login",
    "private": "private_with_login",
    "workspace": "workspace_with_login",
}
UNKNOWN_VISIBILITY = "public_with_login"
_FIRST_WITH_SERVER = (0, 5)
_VERSION = re.compile(r"(\d+)\.(\d+)")


def backend(app_id: str, name: str) -> BackendAddress:
    """The build's own values: without them the client takes what a browser remembers of the old address.

    The builder's Vite plugin reads the last one: it lets code import `@/functions/name` where no such file is.
    """
    return BackendAddress(
        url=OLD_ORIGIN,
        project_ref="",
        url_names=("VITE_BASE44_BACKEND_URL", "VITE_BASE44_APP_BASE_URL"),
        build_values={"VITE_BASE44_APP_ID": app_id or made_id(name), "BASE44_LEGACY_SDK_IMPORTS": "true"},
    )


def made_id(name: str) -> str:
    """An id in the builder's form for an app whose sources do not hold it."""
    return hashlib.sha256(f"freehold {name}".encode()).hexdigest()[:24]


def runtime_settings(app_id: str, name: str, config: Mapping[str, object]) -> dict[str, object]:
    """What the server has to know. Where no file says who may enter, people have to sign in, and may join."""
    visibility = VISIBILITY.get(str(config.get("visibility", "")), UNKNOWN_VISIBILITY)
    shown = config.get("name")
    return {"base44": {"app_id": app_id, "visibility": visibility, "name": shown if isinstance(shown, str) else name}}


def sign_in_settings() -> dict[str, object]:
    """The builder's rules for accounts, as supabase/config.toml would say them."""
    return {"minimum_password_length": 8, "email": {"enable_confirmations": True, "otp_expiry": 600}}


def upgrades(dependencies: Mapping[str, str]) -> tuple[ClientUpgrade, ...]:
    """The client before 0.5 calls its maker's address and cannot be told another, and lacks names that exports use."""
    match = _VERSION.search(dependencies.get(SDK, ""))
    if match is None or (int(match[1]), int(match[2])) >= _FIRST_WITH_SERVER:
        return ()
    return (ClientUpgrade(package=SDK, parcel="base44-sdk"),)
