"""The runtime's settings for a served app, as the JSON that runtime/settings.py reads."""

from urllib.parse import urlsplit

from freehold.flows import up_auth, up_sign_in
from freehold.flows.up_work import Work
from freehold.kit import programs
from freehold.releases import functions, server

RESEND = "RESEND_API_KEY"


def settings(work: Work) -> dict[str, object]:
    """Put together addresses, logins, keys, functions and secrets. The result holds secrets: it goes to stdin only."""
    keys, database = work.keys, work.database
    backend = work.inventory.backend
    return {
        "public_url": work.url,
        "rest_dsn": database.dsn("authenticator", keys.authenticator_password).reveal(),
        "auth_dsn": database.dsn("supabase_auth_admin", keys.auth_password).reveal(),
        "storage_dsn": database.dsn("supabase_storage_admin", keys.storage_password).reveal(),
        "jobs_dsn": database.dsn(work.owner_role, keys.owner_password).reveal(),
        "jwt_secret": keys.jwt_secret,
        "signing_key": keys.signing_key,
        "publishable_key": keys.publishable_key,
        "secret_key": keys.secret_key,
        "anon_jwt": keys.anon_jwt,
        "service_role_jwt": keys.service_role_jwt,
        "anon_names": [backend.publishable_key] if backend and backend.publishable_key else [],
        "storage_directory": str(work.place.objects),
        "site_directory": str(work.site) if work.site else None,
        "server": server.settings(work.server) if work.server else None,
        "node": str(programs.node().node),
        "functions": functions.settings(work.functions_artifact) if work.functions_artifact else [],
        "function_secrets": _function_secrets(work),
        "function_hosts": ({urlsplit(backend.url).netloc: ""} if backend else {}) | _mail_hosts(work),
        "function_state_directory": str(work.place.functions),
        "deno": str(programs.deno()),
        "mail_directory": str(work.place.mail),
        "mail_page": True,
        "auth": auth(work),
        "loopback_providers": True,
        "old_issuers": _old_issuers(work),
        **work.inventory.runtime_settings,
        **_api(work),
    }


def auth(work: Work) -> dict[str, object]:
    """The [auth] table of supabase/config.toml with the owner's secrets in it. It holds secrets."""
    table = up_auth.resolved(work.inventory.settings.get("auth"), work.secrets.get, work.app.root)
    return up_sign_in.with_secrets(table, work.secrets.names(), work.secrets.get)


def secret_versions(work: Work) -> dict[str, str]:
    """Names and version ids of the owner's secrets."""
    return {name: work.secrets.version(name) for name in work.secrets.names()}


def _function_secrets(work: Work) -> dict[str, str]:
    values = {"LOVABLE_API_KEY": work.keys.lovable_api_key}
    read = {name for function in work.inventory.functions for name in function.secrets} | {*work.inventory.secrets}
    for name in work.secrets.names():
        if up_sign_in.is_sign_in_secret(name) and name not in read:
            continue
        value = work.secrets.get(name)
        if value is not None:
            values[name] = value.reveal()
    if RESEND in read and RESEND not in values:
        values[RESEND] = "re_" + work.keys.lovable_api_key.removeprefix("fh_")
    return values


def _mail_hosts(work: Work) -> dict[str, str]:
    """Without a key of the owner's, what functions send through Resend goes where the app's other mail goes."""
    return {} if RESEND in work.secrets.names() else {"api.resend.com": "/_freehold/mailing/resend"}


def _old_issuers(work: Work) -> dict[str, str]:
    keys, backend = work.secrets.get(up_sign_in.OLD_JWKS), work.inventory.backend
    return {f"{backend.url}/auth/v1": keys.reveal()} if keys is not None and backend is not None else {}


def _api(work: Work) -> dict[str, object]:
    """The [api] table of supabase/config.toml, where it departs from the template."""
    api = work.inventory.settings.get("api", {})
    if not isinstance(api, dict):
        return {}
    names = {"schemas": "exposed_schemas", "extra_search_path": "extra_search_path", "max_rows": "max_rows"}
    return {names[key]: value for key, value in api.items() if key in names}
