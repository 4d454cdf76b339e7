"""A Bolt app with a Django server comes up, is deployed and taken back; what its migrations change asks first."""

import json
from collections.abc import Iterator

import pytest
import tiny_django
from build_world import pip_reaches_its_index
from owner import Owner, call
from terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not pip_reaches_its_index(), reason="pip reaches no package index"),
]
ADD = tiny_django.migration(
    "0002_colour",
    "0001_initial",
    "migrations.AddField(model_name='note', name='colour', field=models.CharField(max_length=9, null=True))",
)
FAIL = tiny_django.migration("0003_fail", "0002_colour", "migrations.RunSQL('select 1/0')")
DROP = tiny_django.migration("0003_drop", "0002_colour", "migrations.RemoveField(model_name='note', name='colour')")
COLOURED = {
    "backend/notes/models.py": tiny_django.MODELS.format(
        more="    colour = models.CharField(max_length=9, null=True)\n"
    )
}
PLAIN = {"backend/notes/models.py": tiny_django.MODELS.format(more="")}


class DjangoTerminal(Terminal):
    """The same terminal, over another app."""

    write = staticmethod(tiny_django.write)

    def notes(self, text: str = "") -> list[str]:
        """Every note, after adding one."""
        body = {"text": text} if text else None
        status, said = call(f"{self.url}/api/notes/", method="POST" if text else "GET", body=body)
        assert status == 200, said
        found: list[str] = json.loads(said)
        return found


@pytest.fixture(scope="module")
def terminal(owner: Owner) -> Iterator[DjangoTerminal]:
    app = owner.home / "django"
    tiny_django.write(app, **{"index.html": "<title>one</title>\n"})
    with DjangoTerminal.over(owner, app, owner.home / "data-django") as opened:
        yield opened


def test_its_pages_its_server_and_its_tables_come_up(terminal: DjangoTerminal) -> None:
    assert terminal.ready["server"] == {"framework": "django", "answers": ["/api/"]}
    assert terminal.title() == "one"
    assert call(f"{terminal.url}/deep/link", headers={"accept": "text/html"})[0] == 200
    script = call(f"{terminal.url}/assets/app.js")[1]
    assert script == json.dumps(f"{terminal.url}/api")  # what pages ask the server for, they ask the app's address for
    who = json.loads(call(f"{terminal.url}/api/whoami/")[1])
    assert who == {"user": "", "host": terminal.url.removeprefix("http://"), "secure": False}
    assert "hello" in terminal.notes("hello")
    assert json.loads(call(f"{terminal.url}/api/pots/")[1]) == ["from SQL"]
    assert call(f"{terminal.url}/api/nothing/")[0] == 404


def test_nobody_sees_the_servers_own_tables_through_the_api(terminal: DjangoTerminal) -> None:
    for table in ("auth_user", "django_session", "notes_note"):
        assert call(f"{terminal.url}/rest/v1/{table}", headers=terminal.headers)[0] == 404
        status, said = call(f"{terminal.url}/rest/v1/{table}", headers=terminal.headers | {"accept-profile": "server"})
        assert (status, json.loads(said)["code"]) == (406, "PGRST106")
    assert json.loads(call(f"{terminal.url}/rest/v1/notes", headers=terminal.headers)[1]) == [
        {"id": 1, "text": "from SQL"}
    ]


def test_migrations_are_shown_asked_about_run_before_the_switch_and_closed_to_older_releases(
    terminal: DjangoTerminal,
) -> None:
    before = terminal.notes("first")
    terminal.write(terminal.app, **ADD, **COLOURED)
    assert "migration notes.0002_colour.py" in terminal.run("deploy", str(terminal.app), "--plan").stdout
    assert terminal.deploy("two", **ADD, **COLOURED)["release"] == 2
    assert terminal.shows("two")
    assert terminal.notes("second") == [*before, "second"]
    assert terminal.ask("rollback")["release"] == 1  # a column was added that may be empty
    assert terminal.shows("one")
    assert terminal.notes("third") == [*before, "second", "third"]

    refused = terminal.deploy("three", "--accept", "notes.0003_fail", **FAIL)
    assert refused["event"] == "error"
    assert "division by zero" in str(refused["detail"]), refused
    assert (terminal.title(), terminal.notes()) == ("one", [*before, "second", "third"])
    next(terminal.app.glob("backend/notes/migrations/0003_fail.py")).unlink()

    refused = terminal.deploy("four", **DROP, **PLAIN)
    assert (refused["code"], str(refused["hint"]).rpartition("--accept ")[2]) == ("FH608", "notes.0003_drop")
    assert "notes.note.colour: the column is dropped" in str(refused["detail"])
    assert terminal.deploy("four", "--accept", "notes.0003_drop", **DROP, **PLAIN)["event"] == "deployed"
    assert terminal.shows("four")
    assert terminal.notes("fourth")[-1] == "fourth"
    refused = terminal.ask("rollback")
    assert refused["code"] == "FH607"
    assert "notes.note.colour" in str(refused["detail"])
    assert terminal.title() == "four"
