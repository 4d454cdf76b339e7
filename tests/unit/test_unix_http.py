"""Asking a server on a unix socket: how its answer begins, whatever follows."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.kit import unix_http
from freehold.kit.unix_http import Answer

PATIENCE_SECONDS = 30.0


@contextlib.contextmanager
def answering(path: Path, *blocks: bytes, endless: bytes = b"") -> Iterator[list[bytes]]:
    """Listen at `path`; whoever asks gets these blocks, then `endless` until it hangs up. Gives what was asked."""
    asked: list[bytes] = []
    with unix_http.listen(path, 1) as listener:
        listener.settimeout(PATIENCE_SECONDS)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                asked.append(connection.recv(1 << 16))
                for block in blocks:
                    connection.sendall(block)
                while endless:
                    connection.sendall(endless)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield asked
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "whoever asked did not hang up"


def ask(path: Path) -> Answer:
    return unix_http.ask(path, "/health", headers={"apikey": "k"}, timeout_seconds=PATIENCE_SECONDS, method="OPTIONS")


def test_an_answer_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
    with answering(tmp_path / "s", head, endless=b"data: 1\n\n") as asked:
        assert ask(tmp_path / "s") == Answer(status=200, media_type="text/event-stream")
    assert asked == [b"OPTIONS /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\napikey: k\r\n\r\n"]


def test_an_answer_may_come_in_pieces(tmp_path: Path) -> None:
    with answering(tmp_path / "s", b"HTTP/1.", b"1 503 No", b"pe\r\nx: content-type: no\r\n", b"\r\n"):
        assert ask(tmp_path / "s") == Answer(status=503, media_type="")


@pytest.mark.parametrize(("said", "told"), [(b"", "without an answer"), (b"SSH-2.0-x\r\n", "no HTTP: b'SSH-2.0-x")])
def test_what_is_no_answer_is_told(tmp_path: Path, said: bytes, told: str) -> None:
    with answering(tmp_path / "s", said), pytest.raises(OSError, match=told):
        ask(tmp_path / "s")


def test_a_head_that_never_ends_is_no_answer_for_ever(tmp_path: Path) -> None:
    with answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\n", endless=b"x" * 1000):
        assert ask(tmp_path / "s").status == 200


def test_nobody_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        with pytest.raises(ConnectionRefusedError):
            ask(tmp_path / "s")
