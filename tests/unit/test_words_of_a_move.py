"""What is said when the traffic moved or could not, and how a release is looked at."""

import http.server
import socketserver
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from freehold.cli import rollback as command
from freehold.cli import secrets
from freehold.cli.options import same_app
from freehold.core.errors import NotAnApp, ReleaseSick
from freehold.core.release import Check, Lease, Manifest, Release
from freehold.flows.source_of import place_and_origin
from freehold.flows.traffic_steps import Move, StartBeside
from freehold.targets import probe
from freehold.targets.local.place import Place
from freehold.targets.memory import MemoryTarget

FORWARD = "the way forward: freehold rollback 2 --to production, or mend the code and freehold deploy --to production"


@pytest.mark.parametrize(
    ("release", "before", "says"),
    [
        (
            1,
            2,
            FORWARD,
        ),
        (2, 1, "the way back: freehold rollback 1 --to production"),
    ],
)
def test_the_next_command_names_its_direction_and_its_target(release: int, before: int, says: str) -> None:
    values = {"release": release, "before": before, "changed": True, "url": "https://x", "target": "production"}
    there = (same_app("production", None, None), same_app("production", None, None, path_option="--path"))
    assert command._summary(values, *there).splitlines() == [f"release {release} is live again at https://x", says]
    here = command._summary(values | {"target": "local"}, same_app("local", None, None), same_app(None, None, None))
    assert "--to" not in here


def test_the_next_command_is_about_the_same_app() -> None:
    values = {"release": 1, "before": 2, "changed": True, "url": "https://x", "target": "local"}
    app, data = "./my app", Path("/srv/it")
    said = command._summary(values, same_app(None, app, data), same_app(None, app, data, path_option="--path"))
    assert said.splitlines()[1] == (
        "the way forward: freehold rollback 2 --path './my app' --data /srv/it,"
        " or mend the code and freehold deploy './my app' --data /srv/it"
    )
    assert same_app("production", app, data, path_option="--path") == " --to production"


def test_a_list_without_secrets_names_the_same_app(tmp_path: Path) -> None:
    Place(tmp_path).journal.touch()
    done = CliRunner().invoke(secrets.command, ["list", "--data", str(tmp_path)])
    assert done.stderr == f"no secret is set\nnext: freehold secrets set NAME --data {tmp_path}\n"


def test_a_folder_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(NotAnApp, match="/nowhere/at/all does not exist"):
        place_and_origin("/nowhere/at/all", None)


class _Unix(socketserver.UnixStreamServer):
    def get_request(self) -> tuple[object, tuple[str, int]]:  # type: ignore[override]
        return super().get_request()[0], ("", 0)


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (302, True), (401, True), (403, True), (404, True), (500, False)]
)
def test_a_page_that_wants_a_sign_in_is_alive_and_one_that_fails_is_not(tmp_path: Path, status: int, ok: bool) -> None:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/" else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    release = Release(
        id="r",
        number=1,
        artifact="a",
        parts={"site": "x"},
        config={},
        secrets={},
        schema_revision="",
        runtime="",
        created_at="",
    )
    with _Unix(str(tmp_path / "s"), Answers) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        checks = probe.look(tmp_path / "s", release, "key")
        server.shutdown()
    assert [(check.name, check.ok) for check in checks] == [("database", True), ("api", True), ("site", ok)]


def test_a_sick_release_names_the_secret_that_it_lacks(tmp_path: Path) -> None:
    target = MemoryTarget(folder=tmp_path, name="production", sick={1: Check(name="site", ok=False, detail="500")})
    lease: Lease = target.take_lock("a", "b", process="1", seconds=600)
    release = Release(
        id="r", number=1, artifact="a", config={}, secrets={}, schema_revision="", runtime="", created_at=""
    )
    target.add(lease, release, Manifest())
    move = Move(target=target, lease=lease, number=1, unset_secrets=("OPENAI_KEY", "OTHER"))
    with pytest.raises(ReleaseSick) as caught:
        StartBeside(move).run(lambda _: None)
    assert "OPENAI_KEY, OTHER" in caught.value.detail
    assert caught.value.hint == "freehold secrets set OPENAI_KEY --to production, then the same command again"
