"""The address of an app on this machine: one listening socket that outlives every restart of the runtime."""

import errno
import socket

from freehold.core.errors import PortInUse

HOST = "127.0.0.1"
BACKLOG = 2048
FIRST_ALTERNATIVE = 1


def listen(port: int) -> socket.socket:
    """Listen on loopback; port 0 takes any free one. Raises PortInUse.

    The socket is inherited by each runtime process, so connections wait in its queue while one is replaced.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            free = _free_port_after(port)
            raise PortInUse(
                f"port {port} is taken by another program",
                detail=f"{HOST}:{port}: {error.strerror}",
                hint=f"add --port {free}, or stop the other program (ss -ltnp 'sport = :{port}')",
            ) from error
        raise PortInUse(f"port {port} cannot be used", detail=str(error), hint="add --port 8000") from error
    listener.listen(BACKLOG)
    return listener


def _free_port_after(port: int) -> int:
    for candidate in range(port + FIRST_ALTERNATIVE, min(port + 100, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return candidate
    return 0
