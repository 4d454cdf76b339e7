"""The core with settings that can be read again while it serves, a request log, and counters."""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime

import psycopg
from psycopg import conninfo

from freehold import __version__
from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.runtime.database import DatabaseError, Pool, PoolLimits
from freehold.runtime.rest.app import RestCore
from freehold.runtime.rest.identity import Headers, Tokens
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.rest.standalone import sources
from freehold.runtime.rest.standalone.options import Options
from freehold.runtime.rest.standalone.sources import Sources
from freehold.runtime.services import Message, Receive, Scope, Send
from freehold.runtime.session import Caller

SERVER = f"freehold/{__version__}".encode()
CONNECTION_DEFAULTS: dict[str, str | int] = {
    "fallback_application_name": f"freehold {__version__}",
    # A peer that vanished without a word is noticed after half a minute instead of hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}
LOWEST_STATUS_LOGGED = {"crit": 1000, "error": 500, "warn": 400, "info": 0, "debug": 0}

log = logging.getLogger("freehold.rest")
_role: ContextVar[str] = ContextVar("role", default="-")


class Application:
    """An ASGI application in front of one database."""

    def __init__(self, origin: Sources) -> None:
        """Read the settings; raises BadUsage. The database is asked when it starts."""
        self._origin = origin
        self._told: list[str] = []
        self.options = origin.read()
        self._tokens = Tokens(self.options.rest)
        self.pool = Pool(_dsn(self.options), self.options.values["db-pool"], _limits(self.options))
        self._lowest_status = LOWEST_STATUS_LOGGED[self.options.values["log-level"]]
        self.core = RestCore(self.pool, self.options.rest, self._identify, _dsn(self.options), source=self._reread)

    async def start(self) -> None:
        """Load what the database knows; one that is away is waited for in the background."""
        await self.core.start()

    async def stop(self) -> None:
        """Stop listening and close the connections."""
        await self.core.stop()
        await self.pool.close()

    def reload(self) -> None:
        """Read settings and schema again, and use new connections from now on, so that role settings count."""
        self.pool.flush()
        self.core.state.want()

    @property
    def tokens(self) -> Tokens:
        """Who reads tokens at the moment."""
        return self._tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and write it to the log, as far as the log level wants it."""
        if scope["type"] != "http":
            return
        _role.set("-")
        started = _Sent(scope, send, self._lowest_status)
        await self.core(scope, receive, started)

    def _identify(self, headers: Headers) -> Caller:
        caller = self._tokens(headers)
        _role.set(caller.role)
        return caller

    async def read_settings(self) -> None:
        """Read all sources again; raises BadUsage, and what the database raises."""
        options = self._origin.read()
        if options.values["db-config"]:
            options = self._origin.read(await sources.of_database(self.pool, options.values["db-pre-config"]))
        self._warn(options)
        if options.rest != self.options.rest:
            self._tokens = Tokens(options.rest)
        self.options = options

    async def _reread(self, _: Pool, __: RestSettings) -> RestSettings:
        """Read settings before the schema. Those that cannot be used are reported, and the old ones stay."""
        try:
            await self.read_settings()
        except BadUsage as error:
            log.error("%s: %s", error.message, error.detail)  # noqa: TRY400 - a sentence, not a stack
            if self.core.state.known is None:
                # To serve without them could open what they close.
                raise DatabaseError("F0000", error.message, error.detail, None) from error
        except DatabaseError as error:
            log.error("the settings in the database could not be read: %s", error)  # noqa: TRY400 - likewise
            raise
        return self.options.rest

    def _warn(self, options: Options) -> None:
        for warning in options.warnings:
            if warning not in self._told:
                self._told.append(warning)
                log.warning("%s", warning)


class _Sent:
    """Passes an answer on, with the server's name, and writes a line about it."""

    __slots__ = ("_error", "_length", "_lowest", "_scope", "_send", "_status")

    def __init__(self, scope: Scope, send: Send, lowest: int) -> None:
        self._scope = scope
        self._send = send
        self._lowest = lowest
        self._status = 0
        self._length = 0
        self._error = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message["headers"], (b"server", SERVER)]
        body = message.get("body")
        if body is not None:
            self._length += len(body)
            if self._status >= 500:  # noqa: PLR2004 - RFC 9110: the server's fault
                self._error = body
        await self._send(message)
        if self._status >= self._lowest and body is not None:
            self._write()

    def _write(self) -> None:
        scope = self._scope
        headers = dict(scope["headers"])
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        if self._error:
            log.error("%s", self._error.decode("utf-8", "replace"))
        line = '- - %s [%s] "%s %s HTTP/%s" %d %d "" "%s"'
        fields = (_role.get(), now, scope["method"], target, scope["http_version"], self._status, self._length, agent)
        # Control characters would let a client write lines of its own.
        log.log(REQUEST, "%s", (line % fields).translate(_VISIBLE))


REQUEST = logging.CRITICAL
"""What to log is decided by status, so the line itself always passes."""
_VISIBLE = {number: f"\\x{number:02x}" for number in (*range(32), 127)}


def _dsn(options: Options) -> Secret:
    try:
        parts = conninfo.conninfo_to_dict(options.db_uri.reveal())
    except psycopg.Error:
        # psycopg's message shows the whole string, password included.
        raise BadUsage("db-uri is no connection string", hint="postgresql://user@host:5432/name") from None
    for name, value in CONNECTION_DEFAULTS.items():
        parts.setdefault(name, value)
    return Secret(conninfo.make_conninfo("", **parts))


def _limits(options: Options) -> PoolLimits:
    values = options.values
    return PoolLimits(
        acquire_seconds=values["db-pool-acquisition-timeout"],
        lifetime_seconds=values["db-pool-max-lifetime"],
        idle_seconds=values["db-pool-max-idletime"],
        prepares=values["db-prepared-statements"],
    )
