"""Deploy and go back on this machine, in a second terminal, while users work."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_app
from load import Load
from owner import Owner, call
from terminal import Terminal
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.e2e

MORE = "alter table public.notes add column more text;\n"
DROP = "alter table public.notes drop column more;\n"


@pytest.fixture
def terminal(owner: Owner) -> Iterator[Terminal]:
    app = tiny_app.write(owner.home / "deployed")
    grants = "grant all on public.notes to anon;\n"
    tiny_app.write(app, **{"index.html": "<title>one</title>\n", tiny_app.SECOND: grants})
    with Terminal.over(owner, app, owner.home / "data-deployed") as opened:
        yield opened


def test_nothing_is_lost_while_releases_come_and_go(terminal: Terminal) -> None:
    socket = (
        terminal.url.replace("http", "ws") + f"/realtime/v1/websocket?apikey={terminal.headers['apikey']}&vsn=1.0.0"
    )
    with connect(socket, close_timeout=1) as client, Load(terminal.url, terminal.headers["apikey"]) as load:
        for title in ("two", "three"):
            assert terminal.deploy(title)["event"] == "deployed"
            assert terminal.shows(title)
            _beat(client)
        for number in (2, 3, 2):
            assert terminal.ask("rollback", str(number))["changed"] is True
            _beat(client)
        assert terminal.shows("two")
    assert load.failures == []
    assert min(load.answered.values()) > 10
    rows = json.loads(call(f"{terminal.url}/rest/v1/notes?select=count", headers=terminal.headers)[1])
    assert rows == [{"count": sum(count for kind, count in load.answered.items() if kind.startswith("write"))}]
    assert terminal.states() == {1: "warm", 2: "live", 3: "warm"}
    assert "none changed" in terminal.run("trail", "--verify").stdout


def test_a_broken_release_never_gets_traffic_and_what_broke_it_is_shown(terminal: Terminal) -> None:
    terminal.run("secrets", "set", "CANARY", stdin="canary-value-71")
    _wait_until(lambda: terminal.states().get(2) == "live")
    for file in (terminal.data / "secrets/CANARY").iterdir():
        file.write_bytes(b"broken")
    refused = terminal.deploy("broken")
    assert refused["code"] == "FH606"
    assert "release 2 goes on serving" in str(refused["message"])
    assert terminal.title() == "one"
    assert terminal.states()[3] == "staged"
    shutil.rmtree(terminal.data / "secrets/CANARY")
    assert terminal.deploy("mended")["event"] == "deployed"
    assert terminal.shows("mended")


def test_the_window_decides_whether_there_is_a_way_back(terminal: Terminal) -> None:
    third = tiny_app.SECOND.replace("20260102", "20260103")
    fourth = tiny_app.SECOND.replace("20260102", "20260104")
    assert terminal.deploy("two", **{third: MORE})["release"] == 2
    call(f"{terminal.url}/rest/v1/notes", method="POST", headers=terminal.headers, body={"text": "a", "more": "b"})
    plan = terminal.run("rollback", "--plan")
    assert "column public.notes.more" in plan.stdout
    assert terminal.ask("rollback")["release"] == 1
    assert '"more":"b"' in call(f"{terminal.url}/rest/v1/notes", headers=terminal.headers)[1]
    refused = terminal.deploy("three", **{fourth: DROP})
    assert refused["code"] == "FH608"
    assert terminal.title() == "one"
    name = Path(fourth).stem
    assert terminal.deploy("three", "--accept", name)["release"] == 3
    refused = terminal.ask("rollback")
    assert refused["code"] == "FH607"
    assert "public.notes.more" in str(refused["message"])
    assert fourth in str(refused["message"])
    assert terminal.shows("three")


def test_a_secret_makes_a_release_and_the_way_back_brings_the_old_one(terminal: Terminal) -> None:
    for number, value in ((2, "one"), (3, "two")):
        terminal.run("secrets", "set", "STRIPE_KEY", stdin=value)
        _wait_until(lambda number=number: terminal.states().get(number) == "live")  # type: ignore[misc]
    shown = terminal.ask("compare", "2", "3")
    assert shown["sections"]["secrets"]["changed"] == {"STRIPE_KEY": ["1", "2"]}  # type: ignore[index]
    assert terminal.ask("rollback")["release"] == 2


def test_a_deploy_that_is_killed_leaves_the_old_release_and_carries_on(terminal: Terminal) -> None:
    tiny_app.write(terminal.app, **{"index.html": "<title>killed</title>\n"})
    words = ["deploy", str(terminal.app), "--data", str(terminal.data), "--json"]
    for event in ("Bring over", "Start release", "Watch its answers"):
        process = subprocess.Popen(
            [sys.executable, "-m", "freehold", *words],
            env=terminal.owner.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("text", "").startswith(event):
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert terminal.title() in {"one", "killed"}
    assert terminal.deploy("killed")["release"] == 2
    assert terminal.shows("killed")
    assert terminal.run("lock").stdout == "nobody holds the lock\n"


def test_two_at_once_are_told_of_each_other_and_one_wins(terminal: Terminal) -> None:
    tiny_app.write(terminal.app, **{"index.html": "<title>both</title>\n"})
    ended: list[dict[str, object]] = []

    def deploy() -> None:
        ended.append(terminal.ask("deploy", str(terminal.app), "--watch", "3"))

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(str(end.get("code", "done")) for end in ended) in (["FH603", "done"], ["done", "done"])
    assert terminal.states() == {1: "warm", 2: "live"}


def test_what_was_gone_back_to_stays_live_when_up_is_started_again(terminal: Terminal) -> None:
    terminal.deploy("two")
    terminal.ask("rollback")
    assert terminal.up.stop() == 0
    terminal.up = terminal.owner.start(str(terminal.app), "--port", "0", "--data", str(terminal.data))
    terminal.url = str(terminal.up.wait_for("ready")["url"])
    assert terminal.title() == "one"
    assert terminal.deploy("two")["release"] == 2


def _beat(client: ClientConnection) -> None:
    """The socket that was opened before everything is still answered."""
    client.send(json.dumps({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"}))
    assert json.loads(client.recv(timeout=30))["payload"]["status"] == "ok"


def _wait_until(condition: "object", timeout: float = 180) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.1)
    pytest.fail("it did not happen in time")
