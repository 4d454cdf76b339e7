"""What a program prints, line by line as it comes, until a time is over."""

import os
import select
import subprocess
import time
from collections.abc import Iterator

LONGEST_LINE_BYTES = 64 * 1024


def lines(process: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    """Give the output line by line until the program ends; raises TimeoutError at the deadline.

    What the program left running may hold the streams open for ever: its own end is what counts.
    """
    rest = b""
    for block in _blocks(process, deadline):
        *whole, rest = (rest + block).splitlines(keepends=True)
        yield from whole
        if rest.endswith(b"\n") or len(rest) >= LONGEST_LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def _blocks(process: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    """Give what the program prints, never an empty block."""
    end = os.pidfd_open(process.pid)
    streams = [process.stdout.fileno()] if process.stdout is not None else []
    try:
        while True:
            ready = select.select([*streams, end], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                raise TimeoutError
            if ready == [end]:
                return
            block = os.read(streams[0], LONGEST_LINE_BYTES)
            if block:
                yield block
            else:
                streams.clear()
    finally:
        os.close(end)
