"""What the app's programs print: one JSON object a line, one file a program, without secrets and within a size."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

FILE_BYTES = 4 * 1024 * 1024
FILES_KEPT = 3
LONGEST_LINE_BYTES = 16 * 1024
BYTES_PER_SECOND = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
OTHERS_SHARE = 9
"""How much more of the time than a program's output others get while it prints without end."""
RECORD = "\x1e"
HIDDEN = "[secret]"
SHORTEST_HIDDEN = 6
"""Shorter values, such as "true" or a region, would blot out ordinary words."""


class WorkerLog:
    """The log of one program; older lines are in files that end in .1 and .2."""

    def __init__(self, path: Path, secrets: Sequence[str]) -> None:
        """Nothing is opened until there is a line."""
        self._path = path
        self._secrets = _any_of(secrets)

    async def follow(self, stream: asyncio.StreamReader, level: str) -> None:
        """Write a process's output until it ends; one that prints without end is slowed down, never this process."""
        rest = b""
        while block := await stream.read(BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            begun = time.monotonic()
            self.lines([line.decode("utf-8", "replace") for line in lines], level)
            if len(block) >= BLOCK_BYTES // 2:
                # Short lines cost more than their bytes: others get most of the time in any case.
                spent = time.monotonic() - begun
                await asyncio.sleep(max(len(block) / BYTES_PER_SECOND, spent * OTHERS_SHARE))
        if rest:
            self.lines([rest.decode("utf-8", "replace")], level)

    def lines(self, texts: Sequence[str], level: str) -> None:
        """Append lines; a line that a request's console call made names its request."""
        now = _now()
        content = "".join(self._line(text, level, now) for text in texts if text)
        if content:
            self._rotate()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(content)

    def _line(self, text: str, level: str, now: str) -> str:
        request, named, shown = _read(text, level)
        if self._secrets is not None:
            shown = self._secrets.sub(HIDDEN, shown)
        values = {"time": now, "level": named, "request": request, "text": shown[:LONGEST_LINE_BYTES]}
        return json.dumps(values, ensure_ascii=False) + "\n"

    def _rotate(self) -> None:
        try:
            if self._path.stat().st_size < FILE_BYTES:
                return
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
            return
        for number in range(FILES_KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
        self._path.touch(mode=0o600)


def _any_of(secrets: Sequence[str]) -> re.Pattern[str] | None:
    """Match a secret as it is, as JSON writes it, and each line of one that has several; the longest first."""
    forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], *secret.splitlines())}
    wanted = sorted((form for form in forms if len(form) >= SHORTEST_HIDDEN), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, wanted))) if wanted else None


def _read(text: str, level: str) -> tuple[str, str, str]:
    """Take the runner's marks off a line: request id, level, text."""
    if text.startswith(RECORD):
        _, request, named, shown = [*text.split(RECORD, 3), "", "", ""][:4]
        return request, named or level, shown.removeprefix(" ")
    return "", level, text


def _now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
