"""Run the server's own programs: argument lists only, never a shell."""

import os
import subprocess
from collections.abc import Sequence

from freehold.core.errors import TargetUnfit

TIMEOUT_SECONDS = 900


def run(argv: Sequence[str], *, content: bytes = b"", environment: dict[str, str] | None = None) -> bytes:
    """Run a program and give what it prints; raises TargetUnfit with its last words when it fails."""
    ended = attempt(argv, content=content, environment=environment)
    if ended.returncode != 0:
        words = (ended.stderr or ended.stdout).decode(errors="replace").strip().splitlines()[-15:]
        raise TargetUnfit(
            f"`{' '.join(argv[:3])}` failed on the server", detail="\n".join(words), hint="mend it, then run this again"
        )
    return ended.stdout


def attempt(
    argv: Sequence[str], *, content: bytes = b"", environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program, however it ends."""
    full = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    return subprocess.run(
        list(argv), input=content, capture_output=True, env=full, timeout=TIMEOUT_SECONDS, check=False
    )
