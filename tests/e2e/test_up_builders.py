"""`freehold up` on apps of other builders than Lovable: what is served comes up, others are told apart and refused."""

import json
from pathlib import Path

import pytest
from build_world import npm_reaches_its_registry
from owner import Owner, call
from small_apps import BOLT, write

pytestmark = pytest.mark.e2e


@pytest.fixture
def home(owner: Owner, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own in the owner's home, which every user of the machine may enter."""
    folder = owner.home / request.node.name
    folder.mkdir()
    return folder


def test_a_bolt_app_without_its_env_file_comes_up_with_its_table_and_its_address_filled_in(
    owner: Owner, home: Path
) -> None:
    if not npm_reaches_its_registry():
        pytest.skip("npm does not reach its registry here")
    app = write(home / "app", BOLT)
    up = owner.start(str(app.root), "--port", "0", "--data", str(home / "served"))
    try:
        ready = up.wait_for("ready")
        key = str(ready["publishable_key"])
        status, text = call(f"{ready['url']}/rest/v1/pots?select=name", headers={"apikey": key})
        assert (status, json.loads(text)) == (200, [{"name": "kettle"}])
        assert call(f"{ready['url']}/rest/v1/bad_idea", headers={"apikey": key})[0] == 404
        page = call(f"{ready['url']}/")[1]
        script = call(str(ready["url"]) + page.split('src="')[1].split('"')[0])[1]
        assert key in script
        assert f'"{ready["url"]}"' in script
    finally:
        assert up.stop() == 0


def test_an_app_that_is_read_and_not_served_is_refused_by_name_before_anything_starts(owner: Owner, home: Path) -> None:
    app = write(home / "app", {".replit": "modules = ['nodejs-20']\n", "package.json": '{"name": "rest-express"}'})
    done = owner.run("up", str(app.root), "--port", "0", "--data", str(home / "served"))
    assert done.returncode == 1
    assert "recognised as Replit" in done.stderr
    assert "freehold check" in done.stderr
