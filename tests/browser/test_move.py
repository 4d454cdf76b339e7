"""From a builder's export to a served app: the user signs in with the password of before, on the app's own page."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tasklight_export
from owner import Owner, call

from freehold.testing import database as databases

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
import tasklight_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"


def test_an_export_becomes_a_served_app(
    browser: "Browser", owner_of_a_move: Owner, postgres_server: databases.Server
) -> None:
    owner, home = owner_of_a_move, owner_of_a_move.home
    app = home / "tasklight"
    shutil.copytree(SAMPLE, app, ignore=shutil.ignore_patterns("node_modules", "dist"))
    export = tasklight_export.export(postgres_server, app, home)
    where = ("--app", str(app), "--data", str(home / "served"))

    moved = owner.run("move", "--from", str(export), "--files", str(home / "files"), *where, "--json", timeout=300)
    assert moved.returncode == 0, moved.stdout[-3000:] + moved.stderr[-3000:]
    report = json.loads(moved.stdout.splitlines()[-1])
    assert (report["equal"], report["ledger"]["percent"], report["users"]) == (True, 100.0, {"bcrypt": 1})
    assert [item["place"] for item in report["old_addresses"]] == ['"public"."profiles".avatar_url']
    assert (home / "served/move-report.html").stat().st_size > 5000
    with browser.new_page(viewport={"width": 390, "height": 800}) as phone:
        phone.goto((home / "served/move-report.html").as_uri())
        assert phone.evaluate("document.documentElement.scrollWidth") == 390
        assert phone.locator("h1").inner_text().startswith("Everything arrived")
        assert phone.locator("tr", has_text="public.older").first.bounding_box()["height"] < 60, "a row is one row"

    up = owner.start(str(app), "--port", "0", "--data", str(home / "served"))
    try:
        ready = up.wait_for("ready")
        assert [event for event in up.events if event["event"] == "migration-applied"] == []
        url, key = str(ready["url"]), str(ready["publishable_key"])
        tasklight_pages.sign_in_as_before(browser, url)
        status, text = call(
            f"{url}/auth/v1/token?grant_type=refresh_token",
            method="POST",
            headers={"apikey": key},
            body={"refresh_token": tasklight_export.REFRESH_TOKEN},
        )
        assert status == 200, text
        status, _ = call(f"{url}/storage/v1/object/public/avatars/{tasklight_export.PICTURE}")
        assert status == 200
        again = owner.run("move", "verify", "--from", str(export), *where, "--json", timeout=120)
        faults = json.loads(again.stdout.splitlines()[-2] if again.returncode else again.stdout.splitlines()[-1])
        assert again.returncode == 1, "the sign-in has changed auth.users here, and that has to be seen"
        assert "event" in faults
        kept = json.loads(owner.run("move", "report", *where, "--json").stdout)
        for told in ("old_addresses", "secrets", "edge_functions"):
            assert kept[told] == report[told], "what the move told its owner to do stands in the report of a look, too"
    finally:
        up.stop()
    status = owner.run("move", "status", *where)
    assert status.returncode == 1


@pytest.fixture
def owner_of_a_move() -> Iterator[Owner]:
    home = Path(tempfile.mkdtemp(prefix="freehold-move-owner-"))
    home.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "XDG_"))}
    yield Owner(home, environment | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"})
    shutil.rmtree(home, ignore_errors=True)
