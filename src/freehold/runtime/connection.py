"""One libpq connection on the event loop, in pipeline mode, through psycopg.pq.

All messages up to the Sync are one implicit transaction, so `set_config(..., true)` holds for the request and is gone
after it, and an error undoes everything. Bodies come back as PostgreSQL's own text and are never parsed here.
"""

import asyncio
import contextlib
import select
import time
from collections import OrderedDict
from collections.abc import Sequence

import psycopg
from psycopg import pq
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PollingStatus, TransactionStatus
from psycopg.pq.abc import PGcancel, PGconn, PGresult

PREPARED_PER_CONNECTION = 400
CONNECT_TIMEOUT_SECONDS = 10.0

Parameter = bytes | None
Statement = tuple[str, Sequence[Parameter]]
Row = tuple[bytes | None, ...]


class DatabaseError(Exception):
    """PostgreSQL refused a statement: its own SQLSTATE, message, detail and hint."""

    def __init__(self, sqlstate: str, message: str, detail: str | None, hint: str | None) -> None:
        """Keep PostgreSQL's four texts."""
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


class ConnectionLost(Exception):
    """PostgreSQL cannot be reached, or went away during a request."""

    reason = ""
    """libpq's own words, which may name the host and the user: for the server's owner, never for a client."""


class Result:
    """One statement's answer in text format. It is read when it is looked at: most of a request's answers never are."""

    __slots__ = ("_raw", "_rows")

    def __init__(self, raw: PGresult) -> None:
        """Keep libpq's result."""
        self._raw = raw
        self._rows: list[Row] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple((self._raw.fname(index) or b"").decode() for index in range(self._raw.nfields))

    @property
    def rows(self) -> list[Row]:
        """The rows; every value is text or None."""
        if self._rows is None:
            raw, columns = self._raw, range(self._raw.nfields)
            self._rows = [tuple([raw.get_value(row, column) for column in columns]) for row in range(raw.ntuples)]
        return self._rows

    @property
    def count(self) -> int:
        """The number in the command tag, 0 if it has none."""
        return self._raw.command_tuples or 0

    def one(self) -> Row:
        """Give the only row; an empty result is a mistake in the statement that was sent."""
        return self.rows[0]


class Connection:
    """One libpq connection in pipeline mode; one request at a time."""

    def __init__(self, conn: PGconn, loop: asyncio.AbstractEventLoop, *, prepares: bool = True) -> None:
        """Wrap a connection that is established. Behind a transaction pooler statements must not be prepared."""
        self._conn = conn
        self._loop = loop
        self._socket = conn.socket
        self._prepares = prepares
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._evicted: list[bytes] = []
        self._fresh: list[str] = []
        self._counter = 0
        self._raw: list[PGresult] = []
        self._pending: asyncio.Future[list[PGresult]] | None = None
        self._writing = False
        self._closed = False
        self.opened_at = self.freed_at = time.monotonic()
        conn.nonblocking = 1
        conn.enter_pipeline_mode()
        loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, dsn: str, *, prepares: bool = True) -> "Connection":
        """Connect without blocking the loop; raises ConnectionLost."""
        return cls(await open_connection(dsn), asyncio.get_running_loop(), prepares=prepares)

    @property
    def usable(self) -> bool:
        """Whether the next request may use this connection."""
        return not self._closed and self._pending is None and self._conn.status == ConnStatus.OK

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return not self._closed and self._conn.transaction_status == TransactionStatus.IDLE

    async def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Send all statements and one Sync; give one Result each. Raises DatabaseError or ConnectionLost.

        A batch that fails because a prepared statement is stale is sent once more, as nothing of it was committed;
        not inside a transaction block that an earlier batch opened.
        """
        was_idle = self.idle
        try:
            return await self._run(statements)
        except DatabaseError as error:
            if not was_idle or not _is_stale(error):
                raise
        if not self.idle:
            await self._run([("ROLLBACK", ())])
        return await self._run(statements)

    def close(self) -> None:
        """Close the socket; a request under way fails with ConnectionLost."""
        if not self._closed:
            self._fail(ConnectionLost("the connection was closed"))

    async def _run(self, statements: Sequence[Statement]) -> list[Result]:
        _refuse_nul(statements)
        pending = self._pending = self._loop.create_future()
        try:
            kinds = self._send(statements)
            self._flush()
            raw = await pending
        except psycopg.Error as error:
            self.close()
            raise ConnectionLost("PostgreSQL closed the connection") from error
        except asyncio.CancelledError:
            self._abandon()
            raise
        finally:
            self._pending = None
        return self._results(raw, kinds)

    def _send(self, statements: Sequence[Statement]) -> list[str | None]:
        """Queue Parse (when new), Bind and Execute of every statement; None in the answer marks other messages."""
        kinds: list[str | None] = []
        self._raw = []
        for name in self._evicted:
            self._conn.send_close_prepared(name)
            kinds.append(None)
        self._evicted = []
        self._fresh = []
        for sql, parameters in statements:
            if not self._prepares:
                self._conn.send_query_params(sql.encode(), parameters or None)
                kinds.append(sql)
                continue
            name = self._prepared.get(sql) or self._prepare(sql, kinds)
            self._prepared.move_to_end(sql)
            self._conn.send_query_prepared(name, parameters or None)
            kinds.append(sql)
        self._conn.pipeline_sync()
        return kinds

    def _prepare(self, sql: str, kinds: list[str | None]) -> bytes:
        self._counter += 1
        name = b"s%d" % self._counter
        self._prepared[sql] = name
        self._fresh.append(sql)
        self._conn.send_prepare(name, sql.encode())
        kinds.append(None)
        return name

    def _results(self, raw: list[PGresult], kinds: list[str | None]) -> list[Result]:
        for result in raw:
            if result.status == ExecStatus.FATAL_ERROR:
                error = _error(result)
                self._forget([sql for sql in kinds if sql] if _is_stale(error) else self._fresh)
                raise error
        answers = [Result(item) for item, kind in zip(raw, kinds, strict=True) if kind is not None]
        while len(self._prepared) > PREPARED_PER_CONNECTION:
            self._evicted.append(self._prepared.popitem(last=False)[1])
        return answers

    def _forget(self, statements: list[str]) -> None:
        """After an error, forget the statements that may not have been parsed, or that are stale.

        Closing a statement that does not exist is no error, so those that were never made are closed too.
        """
        for sql in statements:
            name = self._prepared.pop(sql, None)
            if name is not None:
                self._evicted.append(name)

    def _flush(self) -> None:
        if self._conn.flush():
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._socket, self._writable)
        elif self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error as error:
            self._fail(error)

    def _readable(self) -> None:
        try:
            self._take_in()
            if self._pending is None or not self._pending.done():
                self._read_to_the_end()
            if self._conn.status == ConnStatus.BAD:
                self._fail(None)
        except psycopg.Error as error:
            self._fail(error)

    def _take_in(self) -> None:
        self._conn.consume_input()
        if self._pending is not None:
            if self._writing:
                self._flush()
            self._drain(self._pending)

    def _read_to_the_end(self) -> None:
        """Take everything from a socket whose other end is closed.

        libuv stops polling a socket that reports an error (a reset), after one last call. What PostgreSQL sent before
        is read by that call, and the end itself would never be noticed.
        """
        while not self._closed and _is_hung_up(self._socket):
            self._take_in()

    def _drain(self, pending: "asyncio.Future[list[PGresult]]") -> None:
        """Take what has arrived. One None separates statements; a second one means that nothing more is there."""
        separators = 0
        while separators < 2 and not self._conn.is_busy():  # noqa: PLR2004 - see above
            result = self._conn.get_result()
            if result is None:
                separators += 1
                continue
            separators = 0
            if result.status == ExecStatus.PIPELINE_SYNC:
                if not pending.done():
                    pending.set_result(self._raw)
                return
            self._raw.append(result)

    def _fail(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._pending is not None and not self._pending.done():
            lost = next((item for item in self._raw if item.status == ExecStatus.FATAL_ERROR), None)
            failure = ConnectionLost("PostgreSQL closed the connection") if lost is None else _error(lost)
            failure.__cause__ = error
            self._pending.set_exception(failure)
        self._conn.finish()

    def _abandon(self) -> None:
        """Ask PostgreSQL to stop what nobody waits for; the request for that travels on a connection of its own."""
        if not self._closed:
            self._loop.run_in_executor(None, _cancel, self._conn.get_cancel())
            self.close()


async def open_connection(dsn: str) -> PGconn:
    """Open a libpq connection; only name lookup runs in a thread. Raises ConnectionLost."""
    loop = asyncio.get_running_loop()
    conn = await loop.run_in_executor(None, pq.PGconn.connect_start, dsn.encode())
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await _handshake(conn)
    except TimeoutError as error:
        conn.finish()
        raise ConnectionLost("PostgreSQL did not answer in time") from error
    except BaseException:
        conn.finish()
        raise
    return conn


async def _handshake(conn: PGconn) -> None:
    # libpq's rule: behave as if the first poll had asked to wait for writing.
    status = PollingStatus.WRITING
    while status != PollingStatus.OK:
        if status == PollingStatus.FAILED or conn.status == ConnStatus.BAD:
            error = ConnectionLost("PostgreSQL cannot be reached")
            error.reason = conn.error_message.decode("utf-8", "replace").strip()
            raise error
        await _ready(conn.socket, reading=status == PollingStatus.READING)
        status = PollingStatus(conn.connect_poll())


async def _ready(socket: int, *, reading: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    (loop.add_reader if reading else loop.add_writer)(socket, wake)
    try:
        await ready
    finally:
        (loop.remove_reader if reading else loop.remove_writer)(socket)


def _is_hung_up(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _is_stale(error: DatabaseError) -> bool:
    """A table changed under a plan, or the statement is gone (DISCARD ALL, a pooler in between)."""
    return error.sqlstate == "26000" or (error.sqlstate == "0A000" and "cached plan" in error.message)


def _refuse_nul(statements: Sequence[Statement]) -> None:
    """Libpq ends a text parameter at the first NUL: refuse it, as PostgreSQL itself would."""
    for _, parameters in statements:
        for parameter in parameters:
            if parameter is not None and b"\0" in parameter:
                raise DatabaseError("22021", 'invalid byte sequence for encoding "UTF8": 0x00', None, None)


def _cancel(cancel: PGcancel) -> None:
    with contextlib.suppress(psycopg.Error):
        cancel.cancel()


def _error(raw: PGresult) -> DatabaseError:
    def part(field: DiagnosticField) -> str | None:
        value = raw.error_field(field)
        return value.decode("utf-8", "replace") if value is not None else None

    sqlstate = part(DiagnosticField.SQLSTATE) or "XX000"
    message = part(DiagnosticField.MESSAGE_PRIMARY) or "unknown error"
    return DatabaseError(sqlstate, message, part(DiagnosticField.MESSAGE_DETAIL), part(DiagnosticField.MESSAGE_HINT))
