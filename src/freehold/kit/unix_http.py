"""One HTTP request to a server on a unix socket, whatever the length of its path."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST_HEAD = 1 << 16
_BEGIN = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")
_MEDIA_TYPE = re.compile(rb"(?im)^content-type:([^;\r\n]*)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How an answer begins."""

    status: int
    media_type: str


def ask(path: Path, target: str, *, headers: Mapping[str, str], timeout_seconds: float, method: str = "GET") -> Answer:
    """Ask for `target`, such as /health; raises OSError, also for what is no HTTP.

    The body is not waited for: one that is a stream of events may never end.
    """
    lines = {"host": "localhost", "connection": "close", **headers}
    words = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    with connect(path, timeout_seconds) as connection:
        connection.sendall("\r\n".join(words).encode("latin-1"))
        head = _head(connection)
    begin = _BEGIN.match(head)
    if begin is None:
        raise OSError(f"no HTTP: {head[:80]!r}" if head else "the connection was closed without an answer")
    media_type = _MEDIA_TYPE.search(head)
    return Answer(status=int(begin[1]), media_type=media_type[1].decode("latin-1").strip() if media_type else "")


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
        block = connection.recv(LONGEST_HEAD)
        if not block:
            break
        head += block
    return head.partition(b"\r\n\r\n")[0]


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """Give a short name for a socket's path: the kernel takes at most 107 bytes of it."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connect(path: Path, timeout_seconds: float) -> socket.socket:
    """Connect to a unix socket; raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_seconds)
    try:
        with short(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


def listen(path: Path, backlog: int) -> socket.socket:
    """Listen on a unix socket that only its owner may use; what was at `path` is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    try:
        with short(path) as name:
            listener.bind(name)
        path.chmod(0o600)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener
