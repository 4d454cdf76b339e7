"""Run the server's own programs: argument lists only, never a shell."""

import os
import subprocess
from collections.abc import Iterator, Sequence

from freehold.core.errors import TargetUnfit

TIMEOUT_SECONDS = 900
PIECE_BYTES = 1024 * 1024


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


def pieces(argv: Sequence[str], *, content: bytes, environment: dict[str, str]) -> Iterator[bytes]:
    """Give what a program prints, however much it is, as it comes. Raises TargetUnfit at the end."""
    import tempfile  # noqa: PLC0415 - few orders want it, and all wait for it

    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(content)
        given.seek(0)
        full = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
        with subprocess.Popen(list(argv), stdin=given, stdout=subprocess.PIPE, stderr=said, env=full) as running:
            assert running.stdout is not None  # noqa: S101 - it was asked for
            while piece := running.stdout.read(PIECE_BYTES):
                yield piece
        if running.returncode != 0:
            said.seek(0)
            words = said.read(4000).decode(errors="replace").strip()
            raise TargetUnfit(f"`{argv[0]}` failed on the server", detail=words, hint="run the same command again")
