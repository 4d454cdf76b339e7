"""The guide to a server of one's own, typed line by line by somebody who has a bare machine and an app."""

import http.client
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import machine_world
import pytest
import server_ca
import tiny_app
from machine_world import Server
from owner import Owner

pytestmark = pytest.mark.e2e
GUIDE = Path(__file__).parents[2] / "docs/how-to/own-server.md"
NAME = "shop.example.org"


class Reader:
    """Types the next line of the guide in the folder of an app, on a laptop that knows one machine."""

    def __init__(self, owner: Owner, server: Server) -> None:
        self.owner, self.server = owner, server
        blocks = GUIDE.read_text().split("```")[1::2]
        self.lines = iter([line for block in blocks for line in block.strip().splitlines()])

    def type(self, *begin: str) -> subprocess.CompletedProcess[str]:
        """Type the next line, which has to begin like this."""
        words = shlex.split(next(self.lines).replace("203.0.113.7", self.server.address), comments=True)
        assert words[1 : len(begin) + 1] == list(begin), words
        return subprocess.run(
            [sys.executable, "-m", "freehold", *words[1:]],
            cwd=self.owner.home / "shop",
            env=self.owner.environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def does(self, *begin: str) -> str:
        """The same, and it goes well; gives what was said."""
        done = self.type(*begin)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def write(self, title: str) -> None:
        tiny_app.write(self.owner.home / "shop", **{"index.html": f"<title>{title}</title>\n"})

    def browser(self) -> tuple[int, str, str]:
        """Ask the machine for the app by its name: status, where it sends on to, text."""
        connection = http.client.HTTPConnection(self.server.address, timeout=60)
        connection.request("GET", "/", headers={"host": NAME, "accept": "text/html"})
        found = connection.getresponse()
        return found.status, found.getheader("location") or "", found.read().decode()


@pytest.fixture
def reader() -> Iterator[Reader]:
    with machine_world.bare_server(3) as server:
        yield Reader(machine_world.owner_of(server), server)


def test_the_guide_is_typed_from_its_first_line_to_its_last(reader: Reader) -> None:
    reader.write("one")
    planned = reader.does("server", "add")
    assert "Python 3 was not there, and was installed" in planned
    assert "the same without --plan does it" in planned
    assert reader.server.run("ls /etc/caddy /etc/postgresql /srv/freehold /var/lib/freehold", check=False).stdout == ""

    added = reader.does("server", "add")
    assert f"an A record of {NAME}" in added
    assert f"shop will be at https://{NAME}. Next: freehold deploy --to production" in added
    assert reader.browser()[:2] == (308, f"https://{NAME}/")
    trust = server_ca.start(reader.server, NAME)
    with pytest.raises(ssl.SSLError):
        server_ca.page(reader.server, "other.example.org", trust)
    # The first request has the certificate fetched, and checked by this client.
    assert server_ca.page(reader.server, NAME, trust).startswith("HTTP/1.1 503"), "nothing is deployed yet"
    assert f"shop will be at http://{NAME}." in reader.does("server", "add")

    assert f"release 1 is live at http://{NAME}" in reader.does("deploy")
    assert "<title>one</title>" in reader.browser()[2]
    # The name leads to the machine for those who ask it here; on a laptop it leads nowhere yet.
    status = reader.type("status")
    assert "Release  1" in status.stdout, status
    assert status.returncode == (1 if "unavailable from here" in status.stdout else 0), status

    reader.write("two")
    assert "the way back: freehold rollback --to production   (to release 1)" in reader.does("deploy")
    assert "<title>two</title>" in reader.browser()[2]
    assert f"release 1 is live again at http://{NAME}" in reader.does("rollback")
    assert "<title>one</title>" in reader.browser()[2]
    assert "a new title" in reader.does("releases")
    assert "none changed" in reader.does("trail")
    assert "production is up to date" in reader.does("server", "upgrade")
    assert list(reader.lines) == []
