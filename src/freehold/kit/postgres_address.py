"""Where an embedded PostgreSQL is reached: by its port, its socket and its password, which are files in its folder."""

import contextlib
import random
import socket
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.kit import postgres_settings

SUPERUSER = "supabase_admin"
DATABASE = "postgres"
CONNECT_TIMEOUT_SECONDS = 5
PORTS = range(20_000, 30_000)
"""Below those that the kernel gives to outgoing connections: one could have the port while the server is down."""
PORTS_TRIED = 100


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a running server is reached. `dsn` names database `postgres` and the superuser, password included."""

    host: str
    port: int
    superuser: str
    password: Secret
    dsn: Secret
    socket_folder: Path | None
    """Where its unix socket is; `dsn` uses it. None when the path is too long for one."""


def at(folder: Path, port: int) -> ServerAddress:
    """Give the address of the server of a folder, whatever port it has; raises DatabaseUnavailable."""
    password, sockets = password_of(folder), socket_folder(folder)
    host = str(sockets) if sockets else "127.0.0.1"
    dsn = conninfo.make_conninfo(
        host=host,
        port=port,
        user=SUPERUSER,
        password=password.reveal(),
        dbname=DATABASE,
        require_auth="scram-sha-256",
    )
    return ServerAddress(
        host="127.0.0.1",
        port=port,
        superuser=SUPERUSER,
        password=password,
        dsn=Secret(dsn),
        socket_folder=sockets,
    )


def socket_folder(folder: Path) -> Path | None:
    """Where its unix socket is; None when the path is too long for one."""
    place = folder / "socket"
    return place if postgres_settings.socket_folder_fits(place) else None


def free_port(folder: Path) -> int:
    """The port of the last time if it is free, else any; of PORTS, if one is free."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        port = int((folder / "port").read_text())
        if _is_free(port):
            return port
    for port in random.sample(PORTS, PORTS_TRIED):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def problem(address: ServerAddress) -> str | None:
    """Say why the server does not let the superuser in now; None when it does."""
    try:
        psycopg.connect(address.dsn.reveal(), connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError as error:
        return str(error)
    return None


def password_of(folder: Path) -> Secret:
    """The superuser's password, made once, with the cluster."""
    path = folder / "password"
    try:
        return Secret(path.read_text())
    except FileNotFoundError as error:
        raise DatabaseUnavailable(
            f"the password of the database is gone: {path}",
            detail=f"the data itself is in {folder / 'data'}",
            hint="restore the file from a backup of this folder",
        ) from error


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
