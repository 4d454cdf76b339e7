"""What the runtime reads about the app's own server from a release's folder."""

import json
from pathlib import Path

import pytest

from freehold.core.errors import BadUsage
from freehold.runtime import settings

BASE = {
    "public_url": "http://127.0.0.1:1",
    "rest_dsn": "",
    "auth_dsn": "",
    "storage_dsn": "",
    "jwt_secret": "x",
    "signing_key": "{}",
    "publishable_key": "p",
    "secret_key": "s",
    "anon_jwt": "a",
    "service_role_jwt": "j",
}
PYTHON = {
    "runtime": "python",
    "application": "config.wsgi:application",
    "app": "app",
    "packages": "packages",
    "before": [["manage.py", "migrate", "--noinput"]],
    "settings_module": "config.settings",
    "paths": ["/api/", "/admin/"],
    "environment": {},
    "reads": ["DATABASE_URL"],
}


def read(folder: Path, manifest: dict[str, object]) -> settings.Settings:
    """Settings that name a release's server by its folder."""
    (folder / "server.json").write_text(json.dumps(manifest))
    return settings.parse(json.dumps({**BASE, "server": str(folder), "server_dsn": "host=/x"}), "a test")


def test_a_python_server_is_read_and_survives_being_written(tmp_path: Path) -> None:
    found = read(tmp_path, PYTHON)
    server = found.server
    assert server is not None
    assert (server.runtime, server.application, server.directory) == ("python", "config.wsgi:application", tmp_path)
    assert server.before == (("manage.py", "migrate", "--noinput"),)
    assert server.paths == ("/api/", "/admin/")
    assert found.server_dsn is not None
    assert settings.parse(settings.dump(found), "a test") == found


def test_a_manifest_without_a_runtime_is_nodes(tmp_path: Path) -> None:
    server = read(tmp_path, {"entry": "index.mjs", "environment": {}, "reads": [], "addons": False}).server
    assert server is not None
    assert (server.runtime, server.entry, server.paths) == ("node", "index.mjs", ())


def test_a_server_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="no server of the kind ruby"):
        read(tmp_path, PYTHON | {"runtime": "ruby"})
