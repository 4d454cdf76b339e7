"""Run the commands of a tutorial and put under each what it printed: `python scripts/play_tutorial.py PAGE`.

A line `$ COMMAND` in a console block is run by a shell in a folder that holds the sample app; a `freehold up` that
gets ready goes on in the background until `freehold down`. What differs between machines is written one way.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "examples/lovable-tasklight"
LAST_LINE = "Ctrl-C stops it"
TIMEOUT_SECONDS = 600


def play(page: str) -> str:
    """Give the page with every console block filled anew."""
    with tempfile.TemporaryDirectory(prefix="freehold-tutorial-") as folder:
        Path(folder).chmod(0o711)
        player = _Player(Path(folder))
        try:
            return re.sub(r"```console\n(.*?)```", player.block, page, flags=re.DOTALL)
        finally:
            player.end()


class _Player:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._background: list[subprocess.Popen[str]] = []
        home = folder / "home"
        home.mkdir()
        shutil.copytree(SAMPLE, home / SAMPLE.name, ignore=shutil.ignore_patterns("node_modules", "dist"))
        (home / "resend-key.txt").write_text("re_made_up")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "XDG_"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = kept | {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "NO_COLOR": "1",
            "PATH": path,
            "PSQLRC": "/dev/null",
            "PAGER": "cat",
        }
        self._home = home

    def block(self, match: re.Match[str]) -> str:
        commands = [line[2:] for line in match[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"$ {command}\n{self._run(command)}" for command in commands) + "```"

    def end(self) -> None:
        for process in self._background:
            process.terminate()
            process.wait(timeout=60)

    def _run(self, command: str) -> str:
        process = subprocess.Popen(
            f"exec {command}",
            shell=True,
            cwd=self._home,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines: list[str] = []
        reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
        reader.start()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while reader.is_alive() and time.monotonic() < deadline:
            if any(line.startswith(LAST_LINE) for line in lines):
                self._background.append(process)
                break
            reader.join(0.1)
        return self._plain("".join(lines))

    def _plain(self, text: str) -> str:
        text = text.replace(str(self._home), "~")
        rules = (
            (r"sb_publishable_[A-Za-z0-9_-]+", "sb_publishable_..."),
            (r"(~/\.local/share/freehold/[a-z-]+)-[0-9a-f]{8}", r"\1-1f2e3d4c"),
            (r"127\.0\.0\.1:(?!8000)\d+/", "127.0.0.1:54322/"),
            (r"(?m)^(Process +)\d+", r"\g<1>4242"),
            (r"process \d+", "process 4242"),
            (r" +$", ""),
        )
        for pattern, replacement in rules:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        return text


def _collect(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    for line in process.stdout or ():
        lines.append(line)  # noqa: PERF402 - line by line: another thread watches the list grow


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(play(Path(name).read_text()))
