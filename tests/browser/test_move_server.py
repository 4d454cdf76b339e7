"""The whole promise: a bare machine, an app, an export; three commands later its users sign in there as before."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import machine_world
import pytest
import tasklight_export
from owner import Owner, call
from supabase_project import PASSWORD

from freehold.testing import database as databases

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
import tasklight_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"
COMMAND_SECONDS = 600
LATE_STEP = "Make indexes, keys, triggers and policies"


@dataclass
class Laptop:
    """An owner's computer beside a machine that nothing was done to but letting their key in."""

    owner: Owner
    server: machine_world.Server
    app: Path

    def ask(self, *words: str) -> list[dict[str, object]]:
        """Run with --json; gives every line."""
        done = self.owner.run(*words, "--json", timeout=COMMAND_SECONDS)
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    with machine_world.bare_server(3) as server:
        owner = machine_world.owner_of(server)
        app = owner.home / "tasklight"
        shutil.copytree(SAMPLE, app, ignore=shutil.ignore_patterns("node_modules", "dist"))
        yield Laptop(owner, server, app)


def test_three_commands_bring_an_app_with_its_users_to_a_bare_server(
    laptop: Laptop, browser: "Browser", postgres_server: databases.Server
) -> None:
    app, home, address = str(laptop.app), laptop.owner.home, laptop.server.address
    (home / "before").mkdir()
    before = tasklight_export.export(postgres_server, laptop.app, home / "before")
    export = tasklight_export.export(postgres_server, laptop.app, home)
    source = ("--app", app, "--from", str(export))

    checked = json.loads(laptop.owner.run("check", app, "--json", timeout=COMMAND_SECONDS).stdout)
    assert (checked["whole"], checked["app"]["name"]) == (True, "tasklight")
    where = ("--files", str(home / "files"), "--to", f"root@{address}")
    laptop.owner.run_and_kill(LATE_STEP, "move", "--app", app, "--from", str(before), *where)
    refused = laptop.ask("move", *source, *where)[-1]
    assert (refused["code"], "another source" in str(refused["message"])) == ("FH703", True)
    laptop.owner.run_and_kill(LATE_STEP, "move", *source, *where, "--start-over")
    moved = laptop.ask("move", *source, *where)[-1]
    assert (moved["event"], moved.get("equal")) == ("moved", True), moved
    assert (moved["ledger"]["percent"], moved["users"]) == (100.0, {"bcrypt": 1})  # type: ignore[index]
    assert moved["files"] == {"fetched": 1, "bytes": 8, "broken": []}
    deployed = laptop.ask("deploy", app, "--to", "production", "--watch", "0")
    assert deployed[-1]["event"] == "deployed", deployed[-1]
    assert [line for line in deployed if line["event"] == "migration-applied"] == []

    laptop.owner.environment["FREEHOLD_MOVE_PASSWORD"] = PASSWORD
    again = laptop.ask("move", "verify", *source, "--to", "production", "--login", "ann@example.org")[-1]
    assert (again["event"], again["equal"], again["faults"]) == ("moved", True, [])
    answers = {item["name"]: item["ok"] for item in again["answers"]}  # type: ignore[attr-defined]
    assert answers.items() >= {f"file avatars/{tasklight_export.PICTURE}": True, "login ann@example.org": True}.items()
    assert [name for name in answers if name.startswith("function ")]
    assert all(answers.values()), again["answers"]
    url = f"http://{address}"
    tasklight_pages.sign_in_as_before(browser, url)
    key = laptop.server.run("cat /var/lib/freehold/tasklight/publishable_key").stdout
    token = {"refresh_token": tasklight_export.REFRESH_TOKEN}
    refreshed = f"{url}/auth/v1/token?grant_type=refresh_token"
    status, text = call(refreshed, method="POST", headers={"apikey": key}, body=token)
    assert status == 200, text
    status, text = call(url + tasklight_export.PICTURE_URL.removeprefix(tasklight_export.OLD_URL))
    assert (status, text) == (200, "a pic..."), "an old address works with the new host in it"

    repeated = laptop.owner.run("move", *source, "--to", "production", timeout=COMMAND_SECONDS)
    assert repeated.returncode == 1, "users work there by now"
    assert "is live there" in repeated.stderr
    assert laptop.owner.run("move", "status", "--app", app, "--to", "production").returncode == 0
    spoil(laptop, "update public.older set body = body || '.' where id = 7")
    changed = str(laptop.ask("move", "verify", *source, "--to", "production")[-1]["detail"])
    assert "auth.users: rows differ" in changed, "sign-ins leave a mark, and that has to be seen"
    assert "public.older: rows differ" in changed
    no_secret_lies_about(laptop)


def spoil(laptop: Laptop, statement: str) -> None:
    """Change the database there, past the app."""
    port = r"$(sed -n 's/^port = \([0-9]*\).*/\1/p' /etc/postgresql/*/tasklight/postgresql.conf)"
    laptop.server.run(f'psql -qX -h /run/postgresql -p {port} -U supabase_admin -d postgres -c "{statement}"')


def no_secret_lies_about(laptop: Laptop) -> None:
    """No port of the database is open, nothing of the move is left, and files belong to the app's user alone."""
    listening = laptop.server.run("ss -Hltn | awk '{print $4}'").stdout.split()
    open_to_all = {item.rpartition(":")[2] for item in listening if not item.startswith(("127.0.0.1:", "[::1]:"))}
    assert open_to_all <= {"22", "80", "443"}
    kept = "find /var/lib/freehold/tasklight/data/storage -type f -printf '%m %u\\n'"
    assert laptop.server.run(kept).stdout.splitlines() == ["600 fh-tasklight"]
