"""`freehold move base44` as an owner types it: exports in, ids compared, and a second run that changes nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import machine_world
import pytest
import tiny_base44
from owner import Owner, call

from freehold.kit import ssh

pytestmark = pytest.mark.e2e

SAMPLE = Path(__file__).parents[2] / "examples/base44-potluck"
SERVER_SECONDS = 600
MOMENT = "2026-01-01T00:00:00.000000"


def test_exports_are_brought_and_counted(owner: Owner, tmp_path: Path) -> None:
    dish = {
        "id": "d1",
        "title": "Soup",
        "created_date": MOMENT,
        "updated_date": MOMENT,
        "created_by": "ann@example.com",
    }
    (tmp_path / "Dish.json").write_text(json.dumps([dish, dish | {"id": "d2", "title": None}]))
    (tmp_path / "User.json").write_text(json.dumps([{"id": "u1", "email": "ann@example.com", "role": "admin"}]))
    words = (
        "move",
        "base44",
        "--app",
        str(SAMPLE),
        "--exports",
        str(tmp_path),
        "--data",
        str(owner.home / "moved-base44"),
    )
    place = ("--data", str(owner.home / "moved-base44"))
    early = owner.run(*words, "--verify", timeout=300)
    assert (early.returncode, "nothing was moved to this place yet" in early.stderr) == (1, True)
    owner.run_and_kill("Bring Dish", *words)
    broken = owner.run("move", "status", *place)
    assert (broken.returncode, "has not ended" in broken.stderr) == (1, True)
    done = owner.run(*words, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Objects         3 moved" in done.stdout
    assert "Rows            3 in 3 tables, 0 differ" in done.stdout
    assert f"next: freehold up {SAMPLE} {' '.join(place)}\n" in done.stderr
    status = owner.run("move", "status", *place)
    assert (status.returncode, status.stdout) == (0, done.stdout)
    page = Path(owner.run("move", "report", *place).stdout.strip()).read_text()
    assert "Everything arrived" in page
    assert re.search(r"<td[^>]*>Dish</td><td[^>]*>2</td><td[^>]*>2</td><td[^>]*>equal</td>", page)
    again = owner.run(*words, timeout=300)
    assert (again.returncode, "was equal to its source then" in again.stderr) == (1, True)
    assert "freehold move base44 --verify" in again.stderr
    assert owner.run(*words, "--verify", timeout=300).returncode == 0
    (tmp_path / "Dish.json").write_text(json.dumps([dish | {"title": "Bread"}]))
    differs = owner.run(*words, "--verify", timeout=300)
    assert (differs.returncode, "Dish: 1 rows at the source, 2 here" in differs.stderr) == (1, True)
    refused = owner.run("move", "base44", "--app", str(SAMPLE), "--data", str(owner.home / "other"), timeout=120)
    assert refused.returncode != 0
    assert "FREEHOLD_BASE44_KEY" in refused.stderr


@pytest.fixture
def server() -> Iterator[machine_world.Server]:
    with machine_world.bare_server(5) as found:
        yield found


def test_records_go_onto_a_bare_server_and_the_app_finds_them_there(
    owner: Owner, server: machine_world.Server, tmp_path: Path
) -> None:
    app, exports = tmp_path / "notes", tmp_path / "exports"
    exports.mkdir()
    tiny_base44.write(app, **tiny_base44.note({"read": True}, text={"type": "string"}))
    note = {"id": "n1", "text": "hello", "created_date": MOMENT, "updated_date": MOMENT}
    (exports / "Note.json").write_text(json.dumps([note]))
    (exports / "User.json").write_text(json.dumps([{"id": "u1", "email": "ann@example.com"}]))
    owner.environment[ssh.CONFIG_VARIABLE] = str(server.ssh_config)
    words = ("move", "base44", "--app", str(app), "--exports", str(exports))
    moved = owner.run(*words, "--to", f"root@{server.address}", timeout=SERVER_SECONDS)
    assert moved.returncode == 0, moved.stderr
    assert "Rows            2 in 2 tables, 0 differ" in moved.stdout
    assert f"next: freehold deploy {app} --to production" in moved.stderr
    deployed = owner.run("deploy", str(app), "--to", "production", "--watch", "0", timeout=SERVER_SECONDS)
    assert deployed.returncode == 0, deployed.stderr
    status, text = call(f"http://{server.address}/api/apps/{tiny_base44.APP}/entities/Note")
    assert (status, [item["text"] for item in json.loads(text)]) == (200, ["hello"])
    assert owner.run(*words, "--to", "production", "--verify", timeout=SERVER_SECONDS).returncode == 0
    again = owner.run(*words, "--to", "production", timeout=SERVER_SECONDS)
    assert (again.returncode, "is live there" in again.stderr) == (1, True)
