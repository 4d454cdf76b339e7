"""From a bare Debian to releases that come and go: what an owner types, on a machine that is reached by SSH only."""

import json
import os
from collections.abc import Iterator

import machine_world
import pytest
import tiny_app
from load import Load
from machine_world import Server
from owner import Owner, call

from freehold.kit import ssh

pytestmark = pytest.mark.e2e

GRANTS = "grant all on public.notes to anon;\n"
MORE = "alter table public.notes add column more text;\n"
SCHEMA_NOT_THERE = '[api]\nschemas = ["no_such_schema"]\n'


class Laptop:
    """An owner's computer beside a server."""

    def __init__(self, owner: Owner, server: Server) -> None:
        self.owner, self.server = owner, server
        self.url = f"http://{server.address}"
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

    def states(self) -> dict[int, str]:
        found = self.ask("releases", str(self.app), "--to", "production")[-1]["releases"]
        assert isinstance(found, list)
        return {item["release"]["number"]: item["state"] for item in found}

    def title(self) -> str:
        return call(f"{self.url}/", headers={"accept": "text/html"})[1].partition("<title>")[2].partition("<")[0]


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    reason = machine_world.missing()
    if reason:
        pytest.skip(f"no server can be started here: {reason}")
    with machine_world.bare_server(2) as server:
        home = server.folder / "home"
        home.mkdir()
        environment = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
        environment |= {"XDG_CONFIG_HOME": str(home / "config"), ssh.CONFIG_VARIABLE: str(server.ssh_config)}
        (home / "cache").mkdir()
        (home / "cache/freehold").symlink_to(machine_world.cache())
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD")}
        yield Laptop(Owner(home, {**inherited, **environment, "XDG_CACHE_HOME": str(home / "cache")}), server)


def test_a_bare_machine_serves_releases_that_come_and_go(laptop: Laptop) -> None:
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

    broken = laptop.deploy("broken", **{"supabase/config.toml": SCHEMA_NOT_THERE})
    assert broken["code"] == "FH606"
    assert laptop.title() == "two"
    (laptop.app / "supabase/config.toml").unlink()
    with Load(laptop.url, laptop.key) as load:
        for number in (1, 2, 1):
            assert laptop.rollback(str(number))["release"] == number
    assert load.failures == []
    assert laptop.title() == "one"

    added = laptop.deploy("three", **{tiny_app.SECOND.replace("20260102", "20260103"): MORE})
    assert added["event"] == "deployed"
    assert laptop.rollback("2")["release"] == 2
    assert laptop.title() == "two"
