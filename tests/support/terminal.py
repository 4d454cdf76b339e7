"""An owner's second terminal beside a running `freehold up`."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import tiny_app
from owner import Owner, Up, call

SWITCHED_WITHIN_SECONDS = 120


class Terminal:
    """A second terminal beside a running `freehold up`."""

    write = staticmethod(tiny_app.write)

    def __init__(self, owner: Owner, app: Path, data: Path, up: Up, ready: dict[str, object]) -> None:
        self.owner, self.app, self.data, self.up, self.ready = owner, app, data, up, ready
        self.url = str(ready["url"])
        self.headers = {"apikey": str(ready["publishable_key"])}

    @classmethod
    @contextlib.contextmanager
    def over(cls, owner: Owner, app: Path, data: Path) -> Iterator[Self]:
        """Bring an app up that was written, and take it and its data away in the end."""
        up = owner.start(str(app), "--port", "0", "--data", str(data))
        opened = cls(owner, app, data, up, up.wait_for("ready"))
        try:
            yield opened
        finally:
            assert opened.up.stop() == 0
            shutil.rmtree(app)
            shutil.rmtree(data)

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.owner.run(*words, "--data", str(self.data), stdin=stdin, timeout=300)

    def ask(self, *words: str) -> dict[str, object]:
        """Run with --json and give the last line."""
        done = self.run(*words, "--json")
        assert done.stdout, done.stderr
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found

    def deploy(self, title: str, *words: str, **files: str) -> dict[str, object]:
        self.write(self.app, **{"index.html": f"<title>{title}</title>\n"}, **files)
        return self.ask("deploy", str(self.app), "--watch", "0", *words)

    def title(self) -> str:
        return call(f"{self.url}/", headers={"accept": "text/html"})[1].partition("<title>")[2].partition("<")[0]

    def shows(self, title: str) -> bool:
        """Wait for a page: the release before may take a connection that comes in the moment of the switch."""
        deadline = time.monotonic() + SWITCHED_WITHIN_SECONDS
        while self.title() != title and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.title() == title

    def states(self) -> dict[int, str]:
        releases = self.ask("releases")["releases"]
        assert isinstance(releases, list)
        return {item["release"]["number"]: item["state"] for item in releases}
