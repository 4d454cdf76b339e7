"""`freehold serve`: the runtime alone. The one command that imports it."""

import socket
import sys
from pathlib import Path

import click

from freehold.core.errors import BadUsage


@click.command("serve")
@click.option("--config", required=True, help="Settings as JSON: a file with mode 0600, or - for standard input.")
@click.option("--fd", type=int, help="Serve on this inherited listening socket.")
@click.option("--listen", default="127.0.0.1:8000", show_default=True, help="Serve on this host and port.")
@click.option("--ready-fd", type=int, hidden=True, help="Write one byte here when every protocol has started.")
def command(config: str, fd: int | None, listen: str, ready_fd: int | None) -> None:
    """Serve from a settings file: what `up` and servers start."""
    from freehold.runtime import settings  # noqa: PLC0415 - the other commands start without the runtime
    from freehold.runtime.serve import serve  # noqa: PLC0415 - likewise

    text = sys.stdin.read() if config == "-" else _read(Path(config))
    serve(settings.parse(text, config), _listener(fd, listen), ready_fd)


def _read(path: Path) -> str:
    if not path.is_file():
        raise BadUsage(f"there is no settings file {path}", hint="freehold serve --config FILE")
    if path.stat().st_mode & 0o077:
        raise BadUsage(f"{path} holds secrets and others may read it", hint=f"chmod 600 {path}")
    return path.read_text()


def _listener(fd: int | None, listen: str) -> socket.socket:
    if fd is not None:
        return socket.socket(fileno=fd)
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise BadUsage(f"{listen!r} is no address", hint="--listen HOST:PORT")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host.strip("[]"), int(port)))
    return listener
