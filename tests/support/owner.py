"""An owner who types commands: other processes, real programs, an empty home."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

READY_WITHIN_SECONDS = 420


@dataclass
class Owner:
    """Somebody with an empty home, who types `freehold` commands."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self, *words: str, stdin: str = "", timeout: float = 120, before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-m", "freehold", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run_and_kill(self, step: str, *words: str) -> None:
        """Run a command until a step of this title begins, then kill -9."""
        argv = [sys.executable, "-m", "freehold", *words, "--json"]
        with subprocess.Popen(argv, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if json.loads(line).get("text") == step:
                    process.kill()
        assert process.returncode == -signal.SIGKILL, f"it never came to: {step}"

    def start(self, *words: str) -> "Up":
        process = subprocess.Popen(
            [sys.executable, "-m", "freehold", "up", *words, "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Up(process)


class Up:
    """A running `freehold up --json`: its events, read while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, object]] = []
        self._queue: queue.Queue[dict[str, object] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)

    def wait_for(self, name: str, timeout: float = READY_WITHIN_SECONDS) -> dict[str, object]:
        deadline = time.monotonic() + timeout
        while True:
            event = self._queue.get(timeout=max(0.1, deadline - time.monotonic()))
            if event is None:
                stderr = self.process.stderr.read() if self.process.stderr else ""
                pytest.fail(f"freehold up ended before {name!r}: {self.events[-3:]} {stderr[-3000:]}")
            self.events.append(event)
            if event["event"] == name:
                return event

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=120)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)


def call(
    url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: object = None
) -> tuple[int, str]:
    """One HTTP request; gives status and text, also for errors."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if data is not None:
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sign_up(ready: Mapping[str, object], email: str) -> str:
    """Sign up a user; give the access token."""
    status, text = call(
        f"{ready['api_url']}/auth/v1/signup",
        method="POST",
        headers={"apikey": str(ready["publishable_key"])},
        body={"email": email, "password": "correct horse battery"},
    )
    assert status == 200, text
    return str(json.loads(text)["access_token"])


def processes_below(folder: Path) -> list[int]:
    """Ids of processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in command:
                found.append(int(entry.name))
    return found
