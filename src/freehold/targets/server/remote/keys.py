"""The app's keys, passwords and secrets: encrypted on disk with a key that only this machine has.

systemd-creds does it; each file names what it is for, so that one cannot be passed off as another.
"""

import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

from freehold.core.errors import NotRunning, SecretRefused
from freehold.kit import private
from freehold.targets.server.remote import disk, places, programs

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LOGINS = ("authenticator_password", "auth_password", "storage_password", "owner_password", "server_password")


def seal(path: Path, name: str, content: bytes) -> None:
    """Write `content` encrypted; the file appears whole."""
    private.replace(path, programs.run(["systemd-creds", "encrypt", f"--name={name}", "-", "-"], content=content))


def unseal(path: Path, name: str) -> bytes:
    """Read what `seal` wrote."""
    return programs.run(["systemd-creds", "decrypt", f"--name={name}", str(path), "-"])


def keep(app: str, keys: dict[str, str]) -> bool:
    """Keep an app's keys; those that it has stay. Says whether these are the ones now."""
    place = places.app_of(app)
    path = place.state / "keys.cred"
    if path.exists():
        seal(path, "keys", json.dumps(keys | read(place)).encode())
        return False
    seal(path, "keys", json.dumps(keys).encode())
    private.replace(place.state / "publishable_key", keys["publishable_key"].encode())
    return True


def read(place: places.App) -> dict[str, str]:
    """All keys; they stay in this process."""
    path = place.state / "keys.cred"
    if not path.exists():
        raise NotRunning(f"{place.name} has no keys on this server yet", hint="freehold server add")
    found: dict[str, str] = json.loads(unseal(path, "keys"))
    return found


def publishable_key(place: places.App) -> str:
    """The key that pages carry; "" before there is one."""
    path = place.state / "publishable_key"
    return path.read_text() if path.exists() else ""


def logins(app: str) -> dict[str, Any]:
    """Passwords of the database's login roles, for whoever administers it from outside."""
    place = places.app_of(app)
    if not (place.state / "keys.cred").exists():
        return {}
    keys = read(place)
    return {name: keys[name] for name in _LOGINS if name in keys}


def put(app: str, name: str, value: str) -> str:
    """Keep a new version of a secret and give its id."""
    if _NAME.fullmatch(name) is None or not value:
        raise SecretRefused(f"{name[:80]!r} is no name of a secret, or its value is empty", hint="freehold secrets")
    folder = _secrets(places.app_of(app)) / name
    for path in (folder.parent, folder):
        disk.folder(path, 0o700)
    version = f"{time.time_ns():020}-{secrets.token_hex(3)}"
    seal(folder / f"{version}.cred", name, value.encode())
    return version


def versions(app: str) -> dict[str, str]:
    """Names and newest versions."""
    folder = _secrets(places.app_of(app))
    found = {}
    for item in sorted(folder.iterdir()) if folder.is_dir() else ():
        every = sorted(item.glob("*.cred"))
        if every:
            found[item.name] = every[-1].stem
    return found


def secret(place: places.App, name: str, version: str) -> str:
    """Read one version of a secret."""
    path = _secrets(place) / name / f"{version}.cred"
    if _NAME.fullmatch(name) is None or "/" in version or not path.exists():
        raise SecretRefused(
            f"version {version} of {name} is not on the server any more",
            hint=f"freehold secrets set {name}, then deploy again",
        )
    return unseal(path, name).decode()


def _secrets(place: places.App) -> Path:
    return place.state / "secrets"
