"""Marks what is printed, so that the log knows which request it belongs to."""

import io
import sys
import threading

RECORD = "\x1e"
_current = threading.local()


def begin(request: str) -> None:
    """Say whose request this thread works for from here on; empty for none."""
    _current.request = request


def mark() -> None:
    """Put the marks in front of every line of standard output and error."""
    sys.stdout = _Marked(sys.stdout.fileno(), "info")
    sys.stderr = _Marked(sys.stderr.fileno(), "error")


class _Marked(io.TextIOWrapper):
    """A stream that writes whole lines, each at once: lines of two threads never mix."""

    def __init__(self, descriptor: int, level: str) -> None:
        super().__init__(io.FileIO(descriptor, "w", closefd=False), encoding="utf-8", errors="replace")
        self._level = level
        self._parts = threading.local()

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._parts, "text", "") + text).split("\n")
        self._parts.text = rest
        if lines:
            # Whoever reads the marks takes one space after them away.
            begun = f"{RECORD}{getattr(_current, 'request', '')}{RECORD}{self._level}{RECORD} "
            super().write("".join(f"{begun}{line}\n" for line in lines))
            super().flush()
        return len(text)

    def flush(self) -> None:
        """Lines are written when they are whole; one that is not waits for its end."""

    def finish(self) -> None:
        """Write what this thread has begun."""
        if getattr(self._parts, "text", ""):
            self.write("\n")


def finish() -> None:
    """Write what has been begun, before the process ends."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Marked):
            stream.finish()
