"""The runtime's settings for a release on this machine, as the JSON that runtime/settings.py reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from freehold.core import configuration
from freehold.core.release import SITE, Release
from freehold.flows import own_server, snapshot
from freehold.flows.up_work import Work
from freehold.kit import programs
from freehold.releases import placeholders, server
from freehold.targets.records import Records


def settings(work: Work, number: int) -> dict[str, object]:
    """Fill a release's snapshot in and add what is this place's. The result holds secrets: it goes to stdin only."""
    release = Records(work.place.root).release(number)
    filled = configuration.filled(
        release.config,
        secret_value=lambda name: work.secrets.get_version(name, release.secrets.get(name, "")).reveal(),
        part_path=lambda name, path: str(_part(work, release, name) / path),
    )
    values = dict(filled) if isinstance(filled, dict) else {}
    values["function_secrets"] = _supplied(work, values)
    return (
        values
        | _own(work)
        | _own_server(work, values.get("server"))
        | {"api_address": f"unix:{work.place.run / f'{number}.sock'}"}
    )


def _supplied(work: Work, values: Mapping[str, object]) -> dict[str, object]:
    """The owner's secrets, and the keys that stand for the builder's and for a mail service that is answered here."""
    secrets, hosts = values.get("function_secrets"), values.get("function_hosts")
    given: dict[str, object] = {"LOVABLE_API_KEY": work.keys.lovable_api_key}
    if isinstance(hosts, dict) and snapshot.RESEND_HOST in hosts:
        given[snapshot.RESEND] = "re_" + work.keys.lovable_api_key.removeprefix("fh_")
    return given | (secrets if isinstance(secrets, dict) else {})


def _own(work: Work) -> dict[str, object]:
    """Address, logins, keys and folders."""
    keys, database = work.keys, work.database
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
        "storage_directory": str(work.place.objects),
        "function_state_directory": str(work.place.functions),
        "deno": str(programs.deno()),
        "node": str(programs.server_node() if work.has_server else programs.node().node),
        "mail_directory": str(work.place.mail),
        "mail_page": True,
        "loopback_providers": True,
    }


def _own_server(work: Work, folder: object) -> dict[str, object]:
    """What a Python server of the app is given; its login reaches nothing in the database of any other app."""
    if not isinstance(folder, str) or server.runtime(Path(folder)) != own_server.PYTHON:
        return {}
    return {
        "server_dsn": work.database.dsn("freehold_server", work.keys.server_password).reveal(),
        "server_secret_key": work.keys.server_secret_key,
    }


def _part(work: Work, release: Release, name: str) -> Path:
    """A part's folder; the site's is rendered for this address, once."""
    artifact = work.place.artifacts / release.parts[name]
    if name != SITE:
        return artifact
    key = hashlib.sha256(f"{work.url} {work.keys.publishable_key}".encode()).hexdigest()[:16]
    rendered = work.place.rendered / f"{artifact.name[:16]}-{key}"
    if not rendered.is_dir():
        placeholders.render(artifact, rendered, origin=work.url, publishable_key=work.keys.publishable_key)
    return rendered
