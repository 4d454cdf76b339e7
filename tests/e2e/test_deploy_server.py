"""From a bare Debian to releases that come and go: what an owner types, on a machine that is reached by SSH only."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import machine_world
import pytest
import tiny_app
import tiny_django
from build_world import pip_reaches_its_index
from load import Load
from machine_world import Server
from mail_sink import Sink, running_sink
from owner import Owner, call

pytestmark = pytest.mark.e2e

GRANTS = "grant all on public.notes to anon;\n"
MORE = "alter table public.notes add column more text;\n"
DROP = "alter table public.notes drop column more;\n"
SCHEMA_NOT_THERE = '[api]\nschemas = ["no_such_schema"]\n'


class Laptop:
    """An owner's computer beside a server."""

    def __init__(self, owner: Owner, server: Server) -> None:
        self.owner, self.server = owner, server
        self.url = f"http://{server.address}"
        self.here = server.address.rpartition(".")[0] + ".1"
        """Under which the server reaches this machine."""
        self.app = owner.home / "shop"
        self.key = ""

    def ask(self, *words: str) -> list[dict[str, object]]:
        """Run with --json; gives every line."""
        done = self.owner.run(*words, "--json", timeout=500)
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def deploy(self, title: str, *words: str, **files: str) -> dict[str, object]:
        tiny_app.write(self.app, **{"index.html": f"<title>{title}</title>\n"}, **files)
        return self.ask("deploy", str(self.app), "--to", "production", "--watch", "0", *words)[-1]

    def rollback(self, *words: str) -> dict[str, object]:
        return self.ask("rollback", *words, "--to", "production", "--path", str(self.app))[-1]

    def name_mail_server(self, mail: Sink) -> None:
        for name, value in (("HOST", self.here), ("PORT", str(mail.port)), ("ADMIN_EMAIL", "shop@example.com")):
            self.owner.run("secrets", "set", f"SMTP_{name}", "--to", "production", stdin=value)

    def ask_for_a_mail(self) -> None:
        body = {"email": "ann@example.com", "create_user": True}
        status, text = call(f"{self.url}/auth/v1/otp", method="POST", headers={"apikey": self.key}, body=body)
        assert status == 200, text

    def states(self) -> dict[int, str]:
        found = self.ask("releases", str(self.app), "--to", "production")[-1]["releases"]
        assert isinstance(found, list)
        return {item["release"]["number"]: item["state"] for item in found}

    def title(self) -> str:
        return call(f"{self.url}/", headers={"accept": "text/html"})[1].partition("<title>")[2].partition("<")[0]

    def notes(self, condition: str) -> list[dict[str, object]]:
        path = f"{self.url}/rest/v1/notes?{condition}"
        found: list[dict[str, object]] = json.loads(call(path, headers={"apikey": self.key})[1])
        return found


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    with machine_world.bare_server(2) as server:
        yield Laptop(machine_world.owner_of(server), server)


@pytest.fixture
def mail(laptop: Laptop) -> Iterator[Sink]:
    with running_sink(laptop.here) as found:
        yield found


def test_the_whole_story(laptop: Laptop, mail: Sink) -> None:
    address = f"root@{laptop.server.address}"
    first = laptop.ask("server", "add", address, "--app", "shop")
    assert first[-1]["event"] == "server-ready"
    again = laptop.ask("server", "add", address, "--app", "shop")
    assert [line["text"] for line in again if line["event"] == "step-started"] == [f"Look at {address}"]

    assert laptop.deploy("one", **{tiny_app.SECOND: GRANTS})["event"] == "deployed"
    assert laptop.title() == "one"
    laptop.key = laptop.server.run("cat /var/lib/freehold/shop/publishable_key").stdout
    assert laptop.deploy("two")["release"] == 2
    assert laptop.title() == "two"

    value = laptop.owner.run("secrets", "set", "STRIPE_KEY", "--to", "production", stdin="canary-5512")
    assert "next: freehold deploy --to production" in value.stderr, value.stderr
    assert list(laptop.ask("secrets", "list", "--to", "production")[-1]) == ["STRIPE_KEY"]
    laptop.name_mail_server(mail)
    assert "canary-5512" not in str(laptop.ask("trail", str(laptop.app), "--to", "production"))

    broken = laptop.deploy("broken", **{"supabase/config.toml": SCHEMA_NOT_THERE})
    assert broken["code"] == "FH606"
    assert laptop.title() == "two"
    (laptop.app / "supabase/config.toml").unlink()
    with Load(laptop.url, laptop.key) as load:
        for number in (1, 2, 1):
            assert laptop.rollback(str(number))["release"] == number
    assert load.failures == []
    assert laptop.title() == "one"

    third, fourth = (tiny_app.SECOND.replace("20260102", day) for day in ("20260103", "20260104"))
    added = laptop.deploy("three", **{third: MORE})
    assert added["event"] == "deployed"
    row = {"text": "written since", "more": "kept"}
    made = call(f"{laptop.url}/rest/v1/notes", method="POST", headers={"apikey": laptop.key}, body=row)
    assert made[0] == 201, made[1]
    assert laptop.rollback("2")["release"] == 2
    assert laptop.title() == "two"
    assert [note["text"] for note in laptop.notes("more=eq.kept")] == ["written since"]
    dropped = laptop.deploy("four", "--accept", Path(fourth).stem, **{fourth: DROP})
    assert dropped["event"] == "deployed"
    refused = laptop.rollback("2")
    assert refused["code"] == "FH607"
    assert "public.notes.more" in str(refused["message"])
    assert Path(fourth).name in str(refused["message"])

    cut_off(laptop, "five", "Start", {}, lambda _: laptop.server.reboot())
    assert laptop.server.run("systemctl is-system-running --wait", check=False).stdout.strip() == "running"
    assert laptop.title() == "four"
    assert len(laptop.notes("text=eq.written%20since")) == 1
    assert laptop.deploy("five")["event"] == "deployed"
    assert laptop.title() == "five"
    laptop.ask_for_a_mail()
    assert b"From: shop@example.com" in mail.mails[0]

    laptop.ask("releases", str(laptop.app), "--to", "production", "--prune", "1")
    assert list(laptop.states().values()) == ["warm", "live"]  # the live one, and the one to go back to
    assert "none changed" in laptop.owner.run("trail", str(laptop.app), "--to", "production", "--verify").stdout


def test_what_programs_of_the_app_print_is_read_as_the_app(laptop: Laptop) -> None:
    """Its folder is the app's own: a link in it leads no further than the app may read itself."""
    laptop.ask("server", "add", f"root@{laptop.server.address}", "--app", "shop")
    folder = "/var/lib/freehold/shop/data/functions/logs"
    line = '{"time": "t", "level": "info", "request": "r-1", "text": "one\\u001b[2Jtwo"}'
    laptop.server.run(f"runuser -u fh-shop -- mkdir -p {folder}; ln -s /etc/shadow {folder}/leads-out.log")
    laptop.server.run(f"runuser -u fh-shop -- tee {folder}/ping.log {folder}/_server.log << 'EOF'\n{line}\nEOF")
    shown = laptop.owner.run("logs", "--to", "production", "--function", "ping")
    assert shown.stdout == "t  info    r-1  one\N{REPLACEMENT CHARACTER}[2Jtwo\n", shown.stderr
    assert laptop.ask("logs", "--to", "production", "--server") == [json.loads(line)]
    assert laptop.owner.run("logs", "--to", "production", "--function", "leads-out").stdout == ""
    unknown = laptop.owner.run("logs", "--to", "production", "--function", "none").stderr
    assert "leads-out, ping" in unknown


STEPS = {
    "See whether": "nothing",
    "Bring over": "files that have arrived, whole",
    "Apply what is new": "what the ledger has, and no half file",
    "Record the release": "the record, or nothing",
    "Start": "a release without traffic",
    "Send the traffic": "the old release, or the new one",
    "Watch": "the new release",
    "Keep the last": "what was not removed yet",
}
"""How a deploy's steps are called, and what each leaves behind: the table in docs/explanation/own-server.md."""


def test_each_step_is_cut_off_twice_and_carried_on(laptop: Laptop) -> None:
    """First the command is killed in the step, then the program on the server; the third run comes to the usual end."""
    refused = laptop.ask("server", "add", "root@nowhere.invalid", "--database-url", "postgresql://elsewhere")
    assert "itself" in str(refused[-1]["message"])
    laptop.ask("server", "add", f"root@{laptop.server.address}", "--app", "shop")
    laptop.deploy("before", **{tiny_app.SECOND: GRANTS})
    laptop.key = laptop.server.run("cat /var/lib/freehold/shop/publishable_key").stdout
    told = (Path(__file__).parents[2] / "docs/explanation/own-server.md").read_text()
    assert [step for step, left in STEPS.items() if f"| {step} ... | {left} |" not in told] == []
    with Load(laptop.url, laptop.key, pause_seconds=0.1) as load:
        for number, step in enumerate(STEPS):
            usual = max(laptop.states()) + 1
            migration = tiny_app.SECOND.replace("20260102", f"202602{number + 10}")
            files = {migration: f"alter table public.notes add column cut{number} text;\n"}
            cut_off(laptop, f"cut {number}", step, files, lambda command: command.kill())
            cut_off(laptop, f"cut {number}", step, files, lambda _: laptop.server.run(KILL_PROGRAM, check=False))
            last = laptop.deploy(f"cut {number}", "--keep", "1", **files)
            assert last["event"] == "deployed", (step, last)
            assert laptop.title() == f"cut {number}"
            states = laptop.states()
            assert states[max(states)] == "live", (step, states)
            assert max(states) == usual, (step, states)
            assert laptop.ask("lock", str(laptop.app), "--to", "production")[-1].get("lock") is None
    assert laptop.ask("server", "upgrade", "--to", "production")[-1]["event"] == "server-ready"
    assert load.failures == []
    assert len(laptop.notes("select=cut0,cut7&limit=1")) == 1
    left = laptop.server.run(
        "find /srv/freehold /var/lib/freehold/shop /run/freehold -maxdepth 3 -name '.*' ! -name '*.gone-*'"
    )
    assert left.stdout == ""
    assert "none changed" in laptop.owner.run("trail", str(laptop.app), "--to", "production", "--verify").stdout


KILL_PROGRAM = "pkill -9 -f '^python3 -I -S /usr/local/lib/freehold/'"


def cut_off(laptop: Laptop, title: str, step: str, files: dict[str, str], kill: Callable[[Popen[str]], object]) -> None:
    """Deploy, and kill something as soon as the step begins; a step that is no more to do ends by itself."""
    tiny_app.write(laptop.app, **{"index.html": f"<title>{title}</title>\n"}, **files)
    words = ("deploy", str(laptop.app), "--to", "production", "--watch", "0.2", "--keep", "1", "--json")
    command = Popen(
        [sys.executable, "-m", "freehold", *words],
        env=laptop.owner.environment,
        stdout=PIPE,
        stderr=DEVNULL,
        text=True,
    )
    assert command.stdout is not None
    for line in command.stdout:
        said = json.loads(line)
        if said["event"] == "step-started" and said["text"].startswith(step):
            kill(command)
    command.stdout.close()
    assert command.wait(120) is not None


def test_an_app_gets_a_django_server_there_and_loses_it_again(laptop: Laptop) -> None:
    if not pip_reaches_its_index():
        pytest.skip("pip reaches no package index")
    laptop.ask("server", "add", f"root@{laptop.server.address}", "--app", "shop")
    without = laptop.deploy("no server", **{tiny_app.SECOND: GRANTS})["release"]
    tiny_django.write_server(laptop.app)
    last = laptop.deploy("django")
    assert last["event"] == "deployed", last
    assert laptop.title() == "django"

    def notes(text: str = "") -> tuple[int, str]:
        return call(f"{laptop.url}/api/notes/", method="POST" if text else "GET", body={"text": text} if text else None)

    assert notes("over there") == (200, '["over there"]')
    headers = {"apikey": laptop.server.run("cat /var/lib/freehold/shop/publishable_key").stdout}
    assert call(f"{laptop.url}/rest/v1/notes_note", headers=headers)[0] == 404
    with Load(laptop.url, headers["apikey"]) as load:
        assert laptop.rollback(str(without))["release"] == without
        assert notes()[1].startswith("<title>no server")
        assert laptop.rollback(str(last["release"]))["release"] == last["release"]
    assert load.failures == []
    assert notes("again") == (200, '["over there", "again"]')
    laptop.server.reboot()
    assert laptop.server.run("systemctl is-system-running --wait", check=False).stdout.strip() == "running"
    assert notes() == (200, '["over there", "again"]')
