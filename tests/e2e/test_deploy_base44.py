"""A Base44 app is deployed, compared and taken back like any other; what its entities change asks first."""

import json
from collections.abc import Iterator

import pytest
import tiny_base44
from owner import Owner, call
from terminal import Terminal

pytestmark = pytest.mark.e2e

TEXT = {"type": "string"}


class Base44Terminal(Terminal):
    """The same terminal, over another app."""

    write = staticmethod(tiny_base44.write)


@pytest.fixture
def terminal(owner: Owner) -> Iterator[Base44Terminal]:
    app = owner.home / "deployed-base44"
    tiny_base44.write(app, **tiny_base44.note(text=TEXT, size=TEXT), **{"index.html": "<title>one</title>\n"})
    with Base44Terminal.over(owner, app, owner.home / "data-base44") as opened:
        yield opened


def test_changes_of_entities_are_shown_asked_about_and_closed_to_older_releases(terminal: Base44Terminal) -> None:
    add, open_to_all, gone = (
        tiny_base44.note(text=TEXT, size=TEXT, color=TEXT),
        tiny_base44.note({"read": {}}, text=TEXT, size=TEXT, color=TEXT),
        tiny_base44.note({"read": {}}, text=TEXT, color=TEXT),
    )
    assert terminal.deploy("two", **add)["release"] == 2
    assert "color" in json.dumps(terminal.ask("compare", "1", "2")["sections"])

    terminal.write(terminal.app, **open_to_all)
    plan = terminal.run("deploy", str(terminal.app), "--plan").stdout
    assert "everyone may read records now" in plan
    assert "wants: --accept Note\n" in plan
    refused = terminal.deploy("three", **open_to_all)
    assert refused["code"] == "FH608"
    assert terminal.shows("two")
    assert "everyone may read records now" in str(refused["detail"])
    assert str(refused["hint"]).endswith("--accept Note")
    assert terminal.deploy("three", "--accept", "Note", **open_to_all)["release"] == 3
    assert "read" in json.dumps(terminal.ask("compare", "2", "3")["sections"]["policies"])  # type: ignore[index]
    assert terminal.ask("rollback")["release"] == 2  # nothing was taken from it
    assert terminal.shows("two")

    refused = terminal.deploy("four", **gone)
    assert "size is gone" in str(refused["detail"])
    assert terminal.deploy("four", "--accept", "Note", **gone)["release"] == 4
    refused = terminal.ask("rollback")
    assert refused["code"] == "FH607"
    assert "Note" in str(refused["message"])
    assert "size is gone" in str(refused["detail"])
    assert terminal.shows("four")
    assert call(f"{terminal.url}/api/apps/{tiny_base44.APP}/functions/hello", method="POST", body={}) == (
        200,
        '"hello"',
    )
    wrong = terminal.deploy("five", "--accept", "Nothing")
    assert wrong["event"] == "error"
    assert terminal.shows("four")


def test_up_asks_as_a_deploy_does(terminal: Base44Terminal, owner: Owner) -> None:
    assert terminal.up.stop() == 0
    tiny_base44.write(terminal.app, **tiny_base44.note({"read": True}, text=TEXT))
    refused = owner.run("up", str(terminal.app), "--port", "0", "--data", str(terminal.data), timeout=300)
    assert refused.returncode != 0
    assert "Note: everyone may read records now" in refused.stderr
    assert "Note: size is gone" in refused.stderr
    assert "--accept Note" in refused.stderr
    again = owner.start(str(terminal.app), "--port", "0", "--data", str(terminal.data), "--accept", "Note")
    terminal.up = again
    assert again.wait_for("ready")["release"] == 2
