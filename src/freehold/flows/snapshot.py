"""A release's configuration: the runtime's settings for an app, with marks where secrets and folders go.

What depends on the place (address, logins, keys, its own folders) is not in it; see flows/up_settings.py for this
machine's.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from freehold.core import configuration
from freehold.core.release import FUNCTIONS, SITE
from freehold.flows import up_auth, up_mail, up_sign_in
from freehold.flows.up_work import Build
from freehold.releases import functions, server

RESEND = "RESEND_API_KEY"
RESEND_HOST = "api.resend.com"
SMTP = "smtp"


def take(build: Build, secret_names: Iterable[str]) -> dict[str, object]:
    """Take the snapshot of an app that was built, for a place that has secrets of these names."""
    names = frozenset(secret_names)
    backend = build.inventory.backend
    return {
        "anon_names": [backend.publishable_key] if backend and backend.publishable_key else [],
        "site_directory": _site(build, "site"),
        "server": _site(build, server.FOLDER),
        "functions": _functions(build.functions_artifact) if build.functions_artifact else [],
        "function_secrets": _function_secrets(build, names),
        "function_hosts": ({urlsplit(backend.url).netloc: ""} if backend else {}) | _mail_hosts(names),
        "auth": auth(build, names),
        "old_issuers": _of_old_issuer(build, names, up_sign_in.OLD_JWKS),
        "old_hs256": _of_old_issuer(build, names, up_sign_in.OLD_HS256),
        **smtp(build, names),
        **build.inventory.runtime_settings,
        **_api(build),
    }


def renewed(config: Mapping[str, object], build: Build, secret_names: Iterable[str]) -> dict[str, object]:
    """Give a snapshot with the marks of today's secrets, and everything else as it was."""
    names = frozenset(secret_names)
    return {
        **{name: value for name, value in config.items() if name != SMTP},
        "function_secrets": _function_secrets(build, names),
        "function_hosts": _renewed_hosts(config, names),
        "auth": auth(build, names),
        "old_issuers": _of_old_issuer(build, names, up_sign_in.OLD_JWKS),
        "old_hs256": _of_old_issuer(build, names, up_sign_in.OLD_HS256),
        **smtp(build, names),
    }


def auth(build: Build, secret_names: Iterable[str]) -> dict[str, object]:
    """The [auth] table of supabase/config.toml, with marks for the owner's secrets."""
    names = frozenset(secret_names)
    return up_sign_in.with_secrets(_own_auth(build, names), names, _marks(names))


def smtp(build: Build, secret_names: Iterable[str]) -> dict[str, object]:
    """Where mail leaves through, with marks for the owner's secrets; {} while it has no way out."""
    names = frozenset(secret_names)
    found = up_mail.settings(_own_auth(build, names), names, _marks(names))
    return {SMTP: found} if found is not None else {}


def unset_mail(build: Build, secret_names: Iterable[str]) -> tuple[str, ...]:
    """Secrets that a mail server which was begun to be named still wants."""
    names = frozenset(secret_names)
    return up_mail.missing(_own_auth(build, names), names)


def _own_auth(build: Build, names: frozenset[str]) -> dict[str, object]:
    return up_auth.resolved(build.inventory.settings.get("auth"), _marks(names), build.app.root)


def _marks(names: frozenset[str]) -> Callable[[str], object]:
    return lambda name: configuration.secret(name) if name in names else None


def _site(build: Build, folder: str) -> dict[str, object] | None:
    """Pages, or the app's own server: both lie in the site's part, and a server's folder describes itself."""
    built = build.site_artifact
    return configuration.part(SITE, folder) if built is not None and (built / folder).is_dir() else None


def _mail_hosts(names: frozenset[str]) -> dict[str, str]:
    """Without a key of the owner's, what functions send through Resend goes where the app's other mail goes."""
    return {} if RESEND in names else {RESEND_HOST: "/_freehold/mailing/resend"}


def _renewed_hosts(config: Mapping[str, object], names: frozenset[str]) -> dict[str, str]:
    hosts = config.get("function_hosts")
    kept = {name: path for name, path in hosts.items() if name != RESEND_HOST} if isinstance(hosts, dict) else {}
    return kept | _mail_hosts(names)


def _functions(artifact: Path) -> list[dict[str, object]]:
    root = artifact.resolve()
    return [
        item | {"directory": configuration.part(FUNCTIONS, Path(str(item["directory"])).relative_to(root).as_posix())}
        for item in functions.settings(artifact)
    ]


def _function_secrets(build: Build, names: frozenset[str]) -> dict[str, object]:
    """A secret for sign-in or for the mail server reaches only the function that reads that very name."""
    read = {name for function in build.inventory.functions for name in function.secrets} | {*build.inventory.secrets}
    return {
        name: configuration.secret(name)
        for name in sorted(names)
        if name in read or not (up_sign_in.is_sign_in_secret(name) or up_mail.is_mail_secret(name))
    }


def _of_old_issuer(build: Build, names: frozenset[str], name: str) -> dict[str, object]:
    """What verifies tokens of the app's old back end, where its owner has set it."""
    backend = build.inventory.backend
    return {f"{backend.url}/auth/v1": configuration.secret(name)} if backend is not None and name in names else {}


def _api(build: Build) -> dict[str, object]:
    """The [api] table of supabase/config.toml, where it departs from the template."""
    api = build.inventory.settings.get("api", {})
    if not isinstance(api, dict):
        return {}
    names = {"schemas": "exposed_schemas", "extra_search_path": "extra_search_path", "max_rows": "max_rows"}
    return {names[key]: value for key, value in api.items() if key in names}
