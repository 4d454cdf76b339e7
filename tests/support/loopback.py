"""HTTP servers on loopback that tests make up: quiet, and gone when their block ends; and ports for real ones."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """Answers whole bodies, and logs nothing."""

    def answer(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> None:
        """Send a body with its length; `headers` may say another one."""
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve as `handler` does on a free port; gives the address, without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def held_port() -> Iterator[int]:
    """Give a port for a program to listen on, which the kernel gives to nobody else until the block ends.

    The program has to allow itself an address that is in use, as servers do.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
