"""`freehold serve`: the runtime alone. The one command that imports it."""

import os
import socket
import sys
from pathlib import Path

import click

from freehold import __version__
from freehold.core.errors import BadUsage, DatabaseUnavailable

UNIX = "unix:"


@click.group("serve", invoke_without_command=True)
@click.option("--config", help="Settings as JSON: a file with mode 0600, or - for standard input.")
@click.option("--fd", type=int, help="Serve on this inherited listening socket.")
@click.option(
    "--listen", default="127.0.0.1:8000", show_default=True, help="Serve on this host and port, or unix:PATH."
)
@click.option("--workers", type=click.IntRange(min=1), help="Serve unix:PATH with so many processes.")
@click.option("--public-fd", type=int, hidden=True, help="A shared listening socket: served while the release is live.")
@click.option("--ready-fd", type=int, hidden=True, help="Write one byte here when every protocol has started.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    config: str | None,
    fd: int | None,
    listen: str,
    workers: int | None,
    public_fd: int | None,
    ready_fd: int | None,
) -> None:
    """Serve from a settings file: what `up` and servers start."""
    if context.invoked_subcommand is not None:
        return
    from freehold.runtime import prefork, settings  # noqa: PLC0415 - the other commands start without the runtime
    from freehold.runtime.serve import serve  # noqa: PLC0415 - likewise

    if config is None:
        raise BadUsage("there is no settings file", hint="freehold serve --config FILE, or freehold serve rest")
    text = sys.stdin.read() if config == "-" else _read(Path(config))
    parsed = settings.parse(text, config)
    if listen.startswith(UNIX):
        prefork.serve_with_workers(parsed, Path(listen.removeprefix(UNIX)), workers or os.cpu_count() or 1)
        return
    if workers is not None:
        raise BadUsage("several processes share a unix socket only", hint="--listen unix:PATH --workers 2")
    public = socket.socket(fileno=public_fd) if public_fd is not None else None
    serve(parsed, _listener(fd, listen), ready_fd, public)


@command.command("rest")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--dump-config", is_flag=True, help="Print the settings, those in the database included, and exit.")
@click.option("--with-secrets", is_flag=True, help="Print secrets too, instead of ***.")
@click.option("--dump-schema", is_flag=True, help="Print what is known of the database as JSON, and exit.")
@click.option("--ready", is_flag=True, help="Ask a running server's admin port whether it is ready: exit 0 or 1.")
@click.option("--example", "-e", is_flag=True, help="Print every setting with its default, and exit.")
@click.version_option(__version__, "--version", "-v", message="freehold %(version)s (PostgREST 14)")
def rest(  # noqa: PLR0913 - the flags of the program that it stands in for
    config: Path | None, *, dump_config: bool, with_secrets: bool, dump_schema: bool, ready: bool, example: bool
) -> None:
    """Serve a database as the `postgrest` program does, from CONFIG or PGRST_* variables.

    Connection strings and secrets come from there or from files they name, never from the command line.
    """
    from freehold.runtime.database import ConnectionLost, DatabaseError  # noqa: PLC0415 - as above
    from freehold.runtime.rest.standalone import options, readiness, server, sources  # noqa: PLC0415 - as above

    origin = sources.of_process(os.environ, config)
    try:
        if example:
            click.echo(options.example(), nl=False)
        elif ready:
            click.echo(readiness.ask(origin.read()))
        elif dump_config:
            click.echo(options.dump(server.settings(origin), with_secrets=with_secrets), nl=False)
        elif dump_schema:
            click.echo(server.schema(origin))
        else:
            server.serve(origin)
    except (ConnectionLost, DatabaseError) as error:
        raise DatabaseUnavailable("the database in db-uri cannot be used", detail=str(error)) from error


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
