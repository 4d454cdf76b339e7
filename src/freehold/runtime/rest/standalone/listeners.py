"""Where a server listens, in PostgREST's words: `!4`, `*`, a host name, or a unix socket."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from freehold.core.errors import BadUsage
from freehold.runtime.rest.standalone.options import Options

BACKLOG = 2048
ANY_HOST = {"*4": "0.0.0.0", "!4": "0.0.0.0", "*6": "::", "!6": "::", "*": "::"}  # noqa: S104 - what the words mean


def api(options: Options) -> socket.socket:
    """Open the API's socket; raises BadUsage."""
    path = options.values["server-unix-socket"]
    if path:
        return _unix(Path(path), int(options.values["server-unix-socket-mode"], 8))
    return _tcp("server", options.values["server-host"], options.values["server-port"])


def admin(options: Options) -> socket.socket | None:
    """Open the admin server's socket if there is to be one; raises BadUsage."""
    port = options.values["admin-server-port"]
    return None if port is None else _tcp("admin-server", options.values["admin-server-host"], port)


def address_of(listener: socket.socket) -> str:
    """Say where a socket listens."""
    name = listener.getsockname()
    if isinstance(name, str):
        return f'"{name}"'
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def _tcp(prefix: str, host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(ANY_HOST.get(host, host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        with contextlib.ExitStack() as undo:
            undo.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if host == "!6" else 0)
            listener.bind(address)
            listener.listen(BACKLOG)
            undo.pop_all()
    except OSError as error:
        hint = f"Choose another {prefix}-port." if error.errno == errno.EADDRINUSE else ""
        raise BadUsage(
            f"cannot listen on {prefix}-host {host} and {prefix}-port {port}", detail=str(error), hint=hint
        ) from error
    return listener


def _unix(path: Path, mode: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # What a server left behind goes; anything that is no socket stays and is an error.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(mode)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise BadUsage(f"cannot listen on server-unix-socket {path}", detail=str(error)) from error
    return listener
