"""What every program of the app finds: the API's names and keys, where the builder's hosts lead, what is closed."""

import json
import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from freehold.kit import confined
from freehold.runtime.settings import Settings
from freehold.runtime.workers.program import Program
from freehold.runtime.workers.relay import Relay

BUILDER_HOSTS = {
    "ai.gateway.lovable.dev": "/_freehold/ai",
    "connector-gateway.lovable.dev": "/_freehold/ai/connectors",
    "api.lovable.dev": "/_freehold/mailing/lovable",
}
"""Constants in the app's code that must not reach the builder any more, and what answers below our own address."""
RESERVED = ("SUPABASE_", "DENO_", "NODE_", "FREEHOLD_", "LD_", "NPM_CONFIG_", "V8_")
_INHERITED = ("http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


def inherited() -> dict[str, str]:
    """Proxies and certificate authorities of this machine."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED or name.lower() in _INHERITED}


def api(settings: Settings) -> dict[str, str]:
    """Keys in JWT form, because programs decode them. No SUPABASE_DB_URL: programs cannot reach PostgreSQL."""
    secret = settings.secret_key.reveal()
    return {
        "SUPABASE_URL": settings.public_url,
        "SUPABASE_ANON_KEY": settings.anon_jwt,
        "SUPABASE_SERVICE_ROLE_KEY": settings.service_role_jwt.reveal(),
        "SUPABASE_PUBLISHABLE_KEY": settings.publishable_key,
        "SUPABASE_PUBLISHABLE_KEYS": json.dumps({"default": settings.publishable_key}),
        "SUPABASE_SECRET_KEYS": json.dumps({"default": secret}),
    }


def secrets(settings: Settings) -> dict[str, str]:
    """The owner's secrets under names that are theirs to give."""
    return {name: value.reveal() for name, value in settings.function_secrets.items() if not name.startswith(RESERVED)}


def secret_values(settings: Settings, further: Iterable[str] = ()) -> tuple[str, ...]:
    """Every value that must not stand in a log."""
    own = (settings.secret_key.reveal(), settings.service_role_jwt.reveal())
    return (*secrets(settings).values(), *own, *further)


def denied_addresses(settings: Settings) -> tuple[str, ...]:
    """What programs may never connect to or listen on."""
    return (*confined.NEVER_REACHABLE, *confined.own_addresses(), *settings.function_denied_addresses)


def addresses(settings: Settings) -> Mapping[str, object]:
    """The app's own origin, and the hosts that lead to the API instead of outside."""
    address = urlsplit(settings.public_url)
    return {
        "origins": [f"{address.scheme}://{address.netloc}"],
        "hosts": {**BUILDER_HOSTS, **settings.function_hosts},
    }


def relay(settings: Settings, program: Program) -> Relay:
    """The program's way to the API."""
    public = settings.public_url
    return Relay(settings.api_address or public, urlsplit(public).netloc, program.relay)
