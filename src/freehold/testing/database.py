"""Databases for tests: one embedded PostgreSQL a session, one fresh database with the platform in it a test.

The server dies with the test run. Durability is off: never for data that matters.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import conninfo, sql

from freehold import platform
from freehold.core.secret import Secret
from freehold.kit import postgres, programs
from freehold.kit.postgres_address import ServerAddress
from freehold.kit.postgres_programs import PostgresPrograms
from freehold.kit.postgres_server import Cluster

TEMPLATE = "freehold_template"
_PREFIX = "freehold-test-"
_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "max_replication_slots": "30",
    "max_wal_senders": "30",
}


@dataclass(frozen=True, kw_only=True)
class FreshDatabase:
    """A database of its own. All connection strings hold passwords that are made anew each session."""

    name: str
    host: str
    port: int
    superuser_dsn: str
    rest_dsn: str
    """Login `authenticator`."""
    auth_dsn: str
    """Login `supabase_auth_admin`."""
    storage_dsn: str
    """Login `supabase_storage_admin`."""
    owner_dsn: str
    """The owner of the app's own schema: what its migrations run as."""
    server_dsn: str
    """Login `freehold_server`; it reaches the app's tables after `platform.open_to_server`."""

    def dsn(self, user: str, password: str) -> str:
        """This database for any other login."""
        return postgres.with_login(self.superuser_dsn, user, password)


@dataclass(frozen=True, kw_only=True)
class Server:
    """The session's server."""

    cluster: Cluster
    address: ServerAddress
    logins: platform.Logins
    owner: str
    """The owner role's name."""


@contextlib.contextmanager
def fresh_database(server: Server | None = None) -> Iterator[FreshDatabase]:
    """Give a new database with the platform installed; at the end drop it with all connections to it."""
    at = server or shared_server()
    name = f"test_{secrets.token_hex(6)}"
    with _superuser(at) as connection:
        _create(connection, at, name)
    try:
        yield _database(at, name)
    finally:
        _drop(at, name)


@contextlib.contextmanager
def empty_database(server: Server | None = None) -> Iterator[FreshDatabase]:
    """Give a new database with nothing in it but what PostgreSQL itself puts there; the roles are the cluster's."""
    at = server or shared_server()
    name = f"test_{secrets.token_hex(6)}"
    with _superuser(at) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    try:
        yield _database(at, name)
    finally:
        _drop(at, name)


_guard = threading.Lock()
_servers: dict[int, Server] = {}


def shared_server() -> Server:
    """Give this process's server; it is started on the first call and stopped when the process ends."""
    with _guard:
        if os.getpid() not in _servers:
            stack = contextlib.ExitStack()
            _servers[os.getpid()] = stack.enter_context(running_server())
            atexit.register(stack.close)
        return _servers[os.getpid()]


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Run a server in a folder that its own user can reach; pytest's tmp_path is closed to everybody but root."""
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    try:
        with kept_server(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def kept_server(folder: Path, of: PostgresPrograms | None = None) -> Iterator[Server]:
    """Run a server in a folder that stays, for data that is too large to be made anew in every run.

    `of` are the programs of another PostgreSQL than ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres", of or programs.postgres(), settings=_SETTINGS)
    try:
        yield _with_template(cluster)
    finally:
        cluster.stop()


def kept_database(server: Server, name: str) -> FreshDatabase:
    """Give a database of this name; it is made where it is missing, and stays."""
    with _superuser(server) as connection:
        if connection.execute("select from pg_database where datname = %s", (name,)).fetchone() is None:
            _create(connection, server, name)
    return _database(server, name)


def _with_template(cluster: Cluster) -> Server:
    address = cluster.start()
    logins = platform.Logins(
        authenticator=_password(),
        auth_admin=_password(),
        storage_admin=_password(),
        owner=_password(),
        server=_password(),
    )
    with postgres.connect(address.dsn) as connection:
        if connection.execute("select from pg_database where datname = %s", (TEMPLATE,)).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
    with postgres.connect(Secret(postgres.with_database(address.dsn.reveal(), TEMPLATE))) as connection:
        platform.install(connection, logins=logins)
        owner = platform.owner_role(connection)
    return Server(cluster=cluster, address=address, logins=logins, owner=owner)


def _create(connection: postgres.Connection, server: Server, name: str) -> None:
    named, owner = sql.Identifier(name), sql.Identifier(server.owner)
    connection.execute(sql.SQL("create database {} template {}").format(named, sql.Identifier(TEMPLATE)))
    # A template's rights on the database itself are not copied with it.
    connection.execute(sql.SQL("grant create, connect, temporary on database {} to {}").format(named, owner))


def _database(server: Server, name: str) -> FreshDatabase:
    superuser = postgres.with_database(server.address.dsn.reveal(), name)

    def login(user: str, password: Secret) -> str:
        return conninfo.make_conninfo(superuser, user=user, password=password.reveal())

    return FreshDatabase(
        name=name,
        host=server.address.host,
        port=server.address.port,
        superuser_dsn=superuser,
        rest_dsn=login("authenticator", server.logins.authenticator),
        auth_dsn=login("supabase_auth_admin", server.logins.auth_admin),
        storage_dsn=login("supabase_storage_admin", server.logins.storage_admin),
        owner_dsn=login(server.owner, server.logins.owner),
        server_dsn=login("freehold_server", server.logins.server or Secret("")),
    )


def _drop(server: Server, name: str) -> None:
    with _superuser(server) as connection:
        connection.execute(sql.SQL("alter database {} allow_connections false").format(sql.Identifier(name)))
        connection.execute("select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = %s", [name])
        slots = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s"
        connection.execute(slots, [name])
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextlib.contextmanager
def _superuser(server: Server) -> Iterator[postgres.Connection]:
    with postgres.connect(server.address.dsn) as connection:
        yield connection


def _password() -> Secret:
    return Secret(secrets.token_urlsafe(16))


def _remove_leftovers() -> None:
    """Folders of test runs that were killed: their servers have ended with them."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):  # noqa: S108 - see running_server
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
