"""A private socket behind which PostgreSQL speaks TLS: for client programs that were built without it."""

import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PIECE_BYTES = 64 * 1024
SASL = 10
BINDING = b"SCRAM-SHA-256-PLUS"
CONNECT_SECONDS = 20
_CHECKED = ("verify-ca", "verify-full")


@contextlib.contextmanager
def bridge(host: str, port: int, *, sslmode: str, root_certificate: str = "") -> Iterator[Path]:
    """Give a folder with a socket .s.PGSQL.5432 that only this user can reach; each connection goes on to the server.

    With sslmode verify-ca or verify-full the server's certificate is checked; with `require` it is not, as in libpq.
    """
    context = client_context(sslmode, root_certificate)
    with tempfile.TemporaryDirectory(prefix="freehold-bridge-") as folder, socket.socket(socket.AF_UNIX) as listener:
        Path(folder).chmod(0o700)
        listener.bind(str(Path(folder, ".s.PGSQL.5432")))
        listener.listen(4)
        threading.Thread(target=_accept, args=(listener, host, port, context), daemon=True).start()
        yield Path(folder)
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def client_context(sslmode: str, root_certificate: str) -> ssl.SSLContext:
    """Give what checks a certificate as libpq does for `sslmode`; by the system's authorities without a file."""
    context = ssl.create_default_context(cafile=root_certificate or None)
    if sslmode != "verify-full":
        context.check_hostname = False
    if sslmode not in _CHECKED:
        context.verify_mode = ssl.CERT_NONE
    return context


def _accept(listener: socket.socket, host: str, port: int, context: ssl.SSLContext) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, host, port, context), daemon=True).start()


def _serve(client: socket.socket, host: str, port: int, context: ssl.SSLContext) -> None:
    with client, contextlib.suppress(OSError, DatabaseUnavailable), _secured(host, port, context) as server:
        back = threading.Thread(target=_answer, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _secured(host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((host, port), CONNECT_SECONDS)
    plain.sendall(SSL_REQUEST)
    if plain.recv(1) != b"S":
        plain.close()
        raise DatabaseUnavailable(f"{host}:{port} offers no TLS")
    secured = context.wrap_socket(plain, server_hostname=host)
    secured.settimeout(None)
    return secured


def _answer(server: ssl.SSLSocket, client: socket.socket) -> None:
    """Pass the first message on without the mechanism that binds to TLS: a client without TLS refuses the offer."""
    with contextlib.suppress(OSError):
        client.sendall(_without_binding(server))
    _pump(server, client)


def _without_binding(server: ssl.SSLSocket) -> bytes:
    head = _exactly(server, 9)
    kind, length, code = struct.unpack("!cii", head)
    if kind != b"R" or code != SASL:
        return head
    return offer(_exactly(server, length - 8))


def offer(names: bytes) -> bytes:
    """Give the message that offers ways to log in, without the one that binds to TLS."""
    kept = [name for name in names.split(b"\0") if name and name != BINDING]
    content = b"".join(name + b"\0" for name in kept) + b"\0"
    return struct.pack("!cii", b"R", 8 + len(content), SASL) + content


def _exactly(server: ssl.SSLSocket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = server.recv(count - len(found))
        if not piece:
            break
        found += piece
    if len(found) < count:
        raise ConnectionError("the server hung up")
    return found


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
