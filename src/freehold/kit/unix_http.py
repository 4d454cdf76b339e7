"""One HTTP request to a server on a unix socket, whatever the length of its path."""

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, media type and body."""

    status: int
    media_type: str
    body: bytes


def ask(path: Path, target: str, *, headers: Mapping[str, str], timeout_seconds: float, method: str = "GET") -> Answer:
    """Ask for `target`, such as /health; raises OSError, and http.client.HTTPException for what is no HTTP."""
    connection = _Connection(path, timeout_seconds)
    try:
        connection.request(method, target, headers={"host": "localhost", **headers})
        answer = connection.getresponse()
        media_type = (answer.getheader("content-type") or "").split(";")[0]
        return Answer(status=answer.status, media_type=media_type, body=answer.read())
    finally:
        connection.close()


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


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path
        self._seconds = timeout_seconds

    def connect(self) -> None:
        self.sock = connect(self._path, self._seconds)
