"""The way out for clients that know no proxy, such as those for mail: what the standard library opens goes by it."""

import errno
import socket
from typing import Any
from urllib.parse import urlsplit

PROXY = ("127.0.0.1", 3128)
LONGEST_HEAD_BYTES = 4096
_INSIDE = ("localhost", "127.0.0.1", "::1", "")


def open_way(origin: str) -> None:
    """Let socket.create_connection ask the proxy for every host but this loopback; the app's own address is outside."""
    directly = socket.create_connection
    own = urlsplit(origin)
    own_address = (own.hostname, own.port or {"https": 443}.get(own.scheme, 80))

    def create_connection(address: tuple[str, int], *given: Any, **named: Any) -> socket.socket:  # noqa: ANN401
        host, port = address[:2]
        if host in _INSIDE and (host, int(port)) != own_address:
            return directly(address, *given, **named)
        timeout = given[:1] or ((named["timeout"],) if "timeout" in named else ())
        return _tunnel(directly(PROXY, *timeout), host, int(port))

    socket.create_connection = create_connection  # type: ignore[assignment]


def _tunnel(opened: socket.socket, host: str, port: int) -> socket.socket:
    """Ask for the other side; raises OSError with what the proxy says."""
    try:
        _ask(opened, f"[{host}]" if ":" in host else host, port)
    except BaseException:
        opened.close()
        raise
    return opened


def _ask(opened: socket.socket, host: str, port: int) -> None:
    name = host if host.isascii() else host.encode("idna").decode()
    opened.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < LONGEST_HEAD_BYTES:
        piece = opened.recv(1)  # what comes after the head is the other side's already
        if not piece:
            break
        head += piece
    if b" 200 " not in head.partition(b"\r\n")[0]:
        why = opened.recv(LONGEST_HEAD_BYTES).decode("utf-8", "replace")
        raise OSError(errno.ENETUNREACH, why or f"{host} cannot be reached")
