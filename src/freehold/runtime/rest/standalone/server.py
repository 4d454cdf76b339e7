"""Run the stand-in: its API, its admin server, and the signals that `postgrest` knows."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
import uvloop

from freehold import __version__
from freehold.core.errors import DatabaseUnavailable
from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.http_protocol import OneWriteProtocol
from freehold.runtime.rest.cache.load import load
from freehold.runtime.rest.standalone import admin, listeners
from freehold.runtime.rest.standalone.application import Application
from freehold.runtime.rest.standalone.options import Options
from freehold.runtime.rest.standalone.sources import Sources

GRACEFUL_SECONDS = 20
HOPELESS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted to log in")
LOG_LEVELS = {
    "crit": logging.CRITICAL, "error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO,
    "debug": logging.DEBUG,
}  # fmt: skip

log = logging.getLogger("freehold.rest")


def serve(origin: Sources) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have GRACEFUL_SECONDS to finish. Raises BadUsage.

    SIGUSR1 and SIGUSR2 read settings and schema again.
    """
    application = Application(origin)
    _log_to_stderr(application.options)
    api = listeners.api(application.options)
    managing = listeners.admin(application.options)
    uvloop.run(_serve(application, api, managing))


def settings(origin: Sources) -> Options:
    """Give the settings that would be served with, the database's included; raises BadUsage.

    Without a database they are what file and environment say, and a warning on stderr says so.
    """
    options = origin.read()
    _log_to_stderr(options)
    if not options.values["db-config"]:
        return options
    application = Application(origin)
    try:
        uvloop.run(_with_database(application))
    except (ConnectionLost, DatabaseError) as error:
        reason = getattr(error, "reason", "")
        log.critical("these settings lack those in the database: %s", reason or error)
    return application.options


def schema(origin: Sources) -> bytes:
    """Give the schema cache as JSON; raises BadUsage, ConnectionLost or DatabaseError."""

    async def read() -> bytes:
        application = Application(origin)
        try:
            await application.read_settings()
            return admin.schema_json(await load(application.pool, application.options.rest))
        finally:
            await application.pool.close()

    return uvloop.run(read())


async def _with_database(application: Application) -> None:
    try:
        await application.read_settings()
    finally:
        await application.pool.close()


async def _serve(application: Application, api: socket.socket, managing: socket.socket | None) -> None:
    log.info("Starting freehold %s...", __version__)
    await _refuse_what_cannot_end_well(application)
    servers = [(_server(application), api)]
    if managing is not None:
        servers.append((_server(admin.Admin(application, api)), managing))
        log.info("Admin server listening on %s", listeners.address_of(managing))
    for number, action in _signals(application, [server for server, _ in servers]).items():
        asyncio.get_running_loop().add_signal_handler(number, action)
    log.info("API server listening on %s", listeners.address_of(api))
    # The API answers 503 until the database has been read, and the admin server says so.
    starting = asyncio.create_task(application.start())
    try:
        async with asyncio.TaskGroup() as group:
            for server, listener in servers:
                group.create_task(server.serve(sockets=[listener]))
        await starting
    finally:
        starting.cancel()
        await application.stop()


async def _refuse_what_cannot_end_well(application: Application) -> None:
    """A database that is away is waited for; a wrong password or name never becomes right."""
    try:
        await application.pool.run([("select 1", ())])
    except ConnectionLost as error:
        if "FATAL" in error.reason and any(words in error.reason for words in HOPELESS):
            raise DatabaseUnavailable("PostgreSQL refuses the login in db-uri", detail=error.reason) from error
        log.error("PostgreSQL is waited for: %s", error.reason or error)  # noqa: TRY400 - a sentence, not a stack
    except (DatabaseError, PoolExhausted) as error:
        log.error("PostgreSQL is waited for: %s", error)  # noqa: TRY400 - likewise


def _signals(application: Application, servers: list["_Server"]) -> dict[signal.Signals, Callable[[], None]]:
    def end(name: str) -> Callable[[], None]:
        def act() -> None:
            log.critical("%s: no new requests are taken; those under way are finished", name)
            for server in servers:
                server.should_exit = True

        return act

    return {
        signal.SIGTERM: end("SIGTERM"),
        signal.SIGINT: end("SIGINT"),
        signal.SIGUSR1: application.reload,
        signal.SIGUSR2: application.reload,
    }


def _server(app: object) -> "_Server":
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            loop="none",
            http=OneWriteProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )


class _Server(uvicorn.Server):
    """uvicorn without its own signals: two servers share this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _log_to_stderr(options: Options) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s: %(message)s", "%d/%b/%Y:%H:%M:%S +0000"))
    logger = logging.getLogger("freehold")
    logger.handlers = [handler]
    logger.setLevel(LOG_LEVELS[options.values["log-level"]])
    logger.propagate = False
