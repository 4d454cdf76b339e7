"""`freehold up` for one case, as its owner types it: first with the migrations as they are, then as it says."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_WITHIN_SECONDS = 900
PORT = 5173
"""Where Vite serves an app while it is written: functions that list the origins which may call them name it."""
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass
class Up:
    """A running `freehold up --json`."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)

    def ready(self) -> dict[str, Any] | None:
        """The ready event; None when it ended before."""
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(self.process, lines), daemon=True).start()
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            try:
                line = lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == "ready":
                return self.events[-1]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @property
    def error(self) -> str:
        """What it ended with."""
        ends = [event for event in self.events if event["event"] == "error"]
        return " ".join(str(ends[-1].get(name, "")) for name in ("code", "message", "detail", "hint")) if ends else ""

    @property
    def warnings(self) -> list[str]:
        """What it warned of."""
        return [str(event.get("text", "")) for event in self.events if event["event"] == "warning"]


def bring_up(
    app: Path, data: Path, environment: Mapping[str, str], errors: Path
) -> tuple[Up, dict[str, Any] | None, str]:
    """Start the case; gives it, its ready event, and the options that were needed or the error."""
    options: tuple[str, ...] = ()
    up, ready = _try(app, data, options, environment, errors)
    if ready is None and "--replay" in up.error:
        options = ("--replay",)
        up, ready = _try(app, data, options, environment, errors)
    for fill in ("--fill-from-types", "--fill-from-code"):
        if ready is not None and any(fill in text for text in up.warnings):
            up.stop()
            options += (fill,)
            up, ready = _try(app, data, options, environment, errors)
    needed = data / "options.txt"  # a database keeps what they made, so a second walk needs none of them
    if options or not needed.exists():
        needed.write_text(" ".join(options))
    return up, ready, needed.read_text() if ready is not None else up.error or errors.read_text()[-1500:]


def again(app: Path, data: Path, environment: Mapping[str, str], errors: Path) -> tuple[Up, dict[str, Any] | None]:
    """Start what was brought up before."""
    return _try(app, data, (), environment, errors)


def _try(
    app: Path, data: Path, options: tuple[str, ...], environment: Mapping[str, str], errors: Path
) -> tuple[Up, dict[str, Any] | None]:
    with errors.open("w") as stderr:
        up = Up(_start(app, data, options, environment, stderr))
        ready = up.ready()
    if ready is None:
        up.stop()
    return up, ready


def _start(
    app: Path,
    data: Path,
    mode: tuple[str, ...],
    environment: Mapping[str, str],
    stderr: Any,  # noqa: ANN401 - a file
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "freehold", "up", str(app), "--data", str(data), *mode, "--json"]
    command += ["--port", str(PORT)]
    return subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=stderr, text=True)


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str | None]") -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)


def environment_of(home: Path) -> dict[str, str]:
    """An owner's environment with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "XDG_"))}
    return kept | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
