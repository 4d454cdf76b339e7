"""What a function finds in its environment, and what its process may touch."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from freehold.kit import deno
from freehold.runtime.settings import FunctionSettings, Settings

RUNNER = Path(__file__).with_name("runner.js")
SERVE_WITHIN_SECONDS = 5
BUILDER_HOSTS = {
    "ai.gateway.lovable.dev": "/_freehold/ai",
    "connector-gateway.lovable.dev": "/_freehold/ai/connectors",
    "api.lovable.dev": "/_freehold/ai/platform",
}
"""Constants in the app's code that must not reach the builder any more, and what answers below our own address."""
_RESERVED = ("SUPABASE_", "DENO_", "FREEHOLD_", "LD_", "NPM_CONFIG_", "V8_")
_INHERITED = ("http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folders of one process. `run` is short, because it holds sockets, and the only one it may write to."""

    run: Path
    cache: Path

    @property
    def relay(self) -> Path:
        """Where the function reaches the API. Its own, so that it cannot listen in on another function's calls."""
        return self.run / "api"

    @property
    def socket(self) -> Path:
        """Where the function listens."""
        return self.run / "fn"


def prepare(function: FunctionSettings, place: Place) -> None:
    """Make the folders: what was fetched at build time is linked into a cache that Deno may write to."""
    (place.run / "tmp").mkdir(parents=True, mode=0o700)
    place.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("npm", "remote"):
        link = place.cache / name
        source = _fetched(function) / name
        if source.is_dir() and (not link.is_symlink() or link.readlink() != source):
            link.unlink(missing_ok=True)
            link.symlink_to(source)


def argv(settings: Settings, function: FunctionSettings, place: Place, denied: tuple[str, ...]) -> list[str]:
    """The command line; it holds paths and limits, never a secret."""
    lock = function.directory / "deno.lock"
    limits = deno.Limits(
        heap_megabytes=settings.function_limits.heap_megabytes,
        read=(function.directory, _fetched(function), function.directory.parent / ".shims", place.cache / "npm"),
        write=(place.run,),
        denied_addresses=denied,
    )
    return deno.run_argv(
        settings.deno,
        RUNNER,
        config=function.directory / (function.import_map or "deno.json"),
        lock=lock if lock.exists() else None,
        limits=limits,
    )


def environment(settings: Settings, function: FunctionSettings, place: Place) -> dict[str, str]:
    """The whole environment of a function's process: the owner's secrets, the API's names, and Deno's own needs."""
    own = {
        "HOME": str(place.run / "tmp"),
        "DENO_DIR": str(place.cache),
        "DENO_NO_PACKAGE_JSON": "1",
        "DENO_NO_UPDATE_CHECK": "1",
        "DENO_TLS_CA_STORE": "system",
        "NO_COLOR": "1",
    }
    if function.npm_registry:
        own["NPM_CONFIG_REGISTRY"] = function.npm_registry
    hidden = sorted({*own, "FREEHOLD_FUNCTION", "PATH", "PWD", "HOSTNAME"})
    return {
        **{name: value for name, value in os.environ.items() if name in _INHERITED or name.lower() in _INHERITED},
        **_secrets(settings),
        **_api(settings),
        "TMPDIR": str(place.run / "tmp"),
        **own,
        "FREEHOLD_FUNCTION": json.dumps(_setup(settings, function, place, hidden)),
    }


def secret_values(settings: Settings) -> tuple[str, ...]:
    """Every value that must not stand in a log."""
    return (*_secrets(settings).values(), settings.secret_key.reveal(), settings.service_role_jwt.reveal())


def denied_addresses(settings: Settings) -> tuple[str, ...]:
    """What functions may never connect to or listen on."""
    return (*deno.NEVER_REACHABLE, *deno.own_addresses(), *settings.function_denied_addresses)


def _secrets(settings: Settings) -> dict[str, str]:
    return {name: value.reveal() for name, value in settings.function_secrets.items() if not name.startswith(_RESERVED)}


def _api(settings: Settings) -> dict[str, str]:
    """Keys in JWT form, because functions decode them. No SUPABASE_DB_URL: functions cannot reach PostgreSQL."""
    secret = settings.secret_key.reveal()
    return {
        "SUPABASE_URL": settings.public_url,
        "SUPABASE_ANON_KEY": settings.anon_jwt,
        "SUPABASE_SERVICE_ROLE_KEY": settings.service_role_jwt.reveal(),
        "SUPABASE_PUBLISHABLE_KEY": settings.publishable_key,
        "SUPABASE_PUBLISHABLE_KEYS": json.dumps({"default": settings.publishable_key}),
        "SUPABASE_SECRET_KEYS": json.dumps({"default": secret}),
    }


def _setup(settings: Settings, function: FunctionSettings, place: Place, hidden: list[str]) -> Mapping[str, object]:
    """What runner.js reads, and deletes before the function's code runs."""
    address = urlsplit(settings.public_url)
    return {
        "entry": (function.directory / function.entry).as_uri(),
        "socket": str(place.socket),
        "relay": str(place.relay),
        "origins": [f"{address.scheme}://{address.netloc}"],
        "hosts": {**BUILDER_HOSTS, **settings.function_hosts},
        "hidden": hidden,
        "serveWithinSeconds": SERVE_WITHIN_SECONDS,
    }


def _fetched(function: FunctionSettings) -> Path:
    return function.directory.parent / ".cache"
