"""The program that acts on a server: what it is made of, and what it does with what nobody should send it."""

import json
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.core.errors import BadUsage
from freehold.core.event import Event
from freehold.kit import ssh
from freehold.targets.server import program
from freehold.targets.server.agent import Agent
from freehold.targets.server.remote import disk, luggage, main, places


def ask(archive: Path, verb: str, **values: object) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(archive)],
        input=json.dumps({"verb": verb, "values": values}).encode() + b"\n",
        capture_output=True,
        check=True,
        timeout=60,
    )
    answer: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    for name, content in program.sources().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_it_runs_with_the_standard_library_alone(archive: Path) -> None:
    facts = ask(archive, "facts")["result"]
    assert isinstance(facts, dict)
    assert facts["machine"]
    assert facts["memory_bytes"] > 0


@pytest.mark.parametrize("verb", sorted(main.VERBS))
def test_every_order_finds_what_does_it(verb: str) -> None:
    assert callable(luggage.find(f"freehold.targets.server.remote.{main.VERBS[verb]}"))


def test_what_it_is_given_travels_with_it(archive: Path) -> None:
    parts = re.findall(r'="(freehold[a-zA-Z_.]+)"', program.START.decode())
    assert len(parts) == 7
    finds = "; ".join(f"luggage.find({part!r})" for part in parts)
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); from freehold.targets.server.remote import luggage; {finds}"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)


def test_the_same_sources_are_the_same_bytes() -> None:
    content = program.sources()
    assert program.pack(content) == program.pack(dict(reversed(content.items())))
    assert program.digest(content) == program.digest(dict(reversed(content.items())))
    assert program.digest(content) != program.digest(content | {"__main__.py": b""})
    names = zipfile.ZipFile(BytesIO(program.pack(content))).namelist()
    assert "freehold/targets/server/remote/texts/Caddyfile" in names
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("app", ["../etc", "shop;reboot", "Shop", "", "a" * 25, "shop-worker", "hosts", "$(id)", "ä"])
def test_no_order_takes_a_name_that_could_be_something_else(archive: Path, app: str) -> None:
    error = ask(archive, "releases", app=app)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "FH001"


@given(st.text(max_size=60))
def test_a_name_that_is_accepted_is_safe_in_paths_units_and_users(text: str) -> None:
    try:
        place = places.app_of(text)
    except BadUsage:
        return
    assert place.home.parent == places.SRV
    assert set(place.unit(1)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-@.")
    assert len(place.user) <= 32
    assert len(f"/run/freehold/{text}/999999.sock") <= 107


@given(st.text(max_size=120))
def test_a_host_name_that_is_accepted_stays_in_its_folder(text: str) -> None:
    try:
        host = places.host_of(text)
    except BadUsage:
        return
    assert Path(f"/run/freehold/hosts/{host}.sock").parent == Path("/run/freehold/hosts")
    assert len(f"/run/freehold/hosts/{host}.sock") <= 107
    assert host not in (".", "..")


@given(st.text(max_size=60))
def test_an_address_that_is_accepted_is_no_option_and_no_command(text: str) -> None:
    try:
        address = ssh.parse(text)
    except BadUsage:
        return
    assert not address.host.startswith("-")
    assert not set(address.host + address.user) & set(" ;&|$`'\"\\\n<>(){}*?!#~=,/")


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=x", "a b", "root@", "root@h;id", "root@-x", "u@h:99999", "../x", "root@h\n"]
)
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadUsage):
        ssh.parse(text)


def test_addresses_are_read_as_people_write_them() -> None:
    assert ssh.parse("root@203.0.113.7") == ssh.Address(host="203.0.113.7", user="root")
    assert ssh.parse("shop.example.org:2222") == ssh.Address(host="shop.example.org", port=2222)
    assert ssh.parse("me@[2001:db8::1]:22") == ssh.Address(host="2001:db8::1", user="me", port=22)


def test_the_proxy_keeps_no_connection_to_a_release() -> None:
    """With keepalive on, pooled connections stay with the old release for as long as requests keep coming."""
    text = disk.text("Caddyfile", issuer="")
    assert text.count("reverse_proxy ") == text.count("import upstream\n")
    assert text.count("keepalive off") == 1
    assert "admin off" in text
    assert "ask http://127.0.0.1:4290/ask" in text


def test_a_unit_is_closed_to_all_but_its_own() -> None:
    values = dict.fromkeys(("app", "user", "home", "run", "data", "workers"), "x")
    lines = disk.text("app.service", **values).splitlines()
    assert not [
        line for line in lines if "@" in line.replace("@system-service", "").replace("@privileged @resources", "")
    ]
    for wanted in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateUsers=yes", "CapabilityBoundingSet="):
        assert wanted in lines
    assert not [line for line in lines if line.startswith("RuntimeDirectory=")], "it would go with the first instance"
    # Only a release with a Python server may make namespaces, and it gets no right over the machine by that.
    assert "RestrictNamespaces=yes" in lines
    exception = disk.text("python.conf").splitlines()
    assert {line.partition("=")[0] for line in exception if "=" in line} == {
        "TimeoutStartSec", "RestrictNamespaces", "SystemCallFilter",
    }  # fmt: skip


class Here:
    """A connection whose other end is a program on this machine: it says an event before it answers `slow`."""

    PROGRAM = """
import json, sys
for line in sys.stdin:
    verb = json.loads(line)["verb"]
    if verb == "slow":
        print(json.dumps({"event": {"name": "note"}}), flush=True)
    print(json.dumps({"result": verb}), flush=True)
"""

    def __init__(self) -> None:
        self.address = ssh.parse("here")
        self.running: list[subprocess.Popen[bytes]] = []

    def session(self, _command: str) -> ssh.Session:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", self.PROGRAM]
        self.running.append(subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe))
        return ssh.Session(self.address, self.running[-1])


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_one() -> None:
    connection = Here()
    agent = Agent(cast("ssh.Connection", connection))

    def interrupt(_event: Event) -> None:
        raise KeyboardInterrupt

    try:
        assert agent.ask("slow", report=lambda _: None) == "slow"
        with pytest.raises(KeyboardInterrupt):
            agent.ask("slow", report=interrupt)
        assert agent.ask("lock") == "lock"
        assert agent.ask("drop-lock") == "drop-lock"
    finally:
        for process in connection.running:
            process.kill()
            process.wait()


@pytest.mark.parametrize("app", ["shop' ; reboot ; '", "$(reboot)", "a b", "-x"])
def test_no_text_is_made_of_a_name_that_is_none(app: str) -> None:
    agent = Agent(cast("ssh.Connection", None))
    with pytest.raises(BadUsage):
        agent.logs(app, lines=1, follow=False)
    with pytest.raises(BadUsage):
        agent.logs("shop", lines=1, follow=False, of=app)
