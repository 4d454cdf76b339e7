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
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGcancel, PGconn, PGresult

from freehold.runtime import result
from freehold.runtime.login import open_connection
from freehold.runtime.result import ConnectionLost, DatabaseError, Result

PREPARED_PER_CONNECTION = 400
# An enumeration's members are looked up anew at each use.
_FAILED, _SYNCED = int(ExecStatus.FATAL_ERROR), int(ExecStatus.PIPELINE_SYNC)
_GOOD, _BAD = int(ConnStatus.OK), int(ConnStatus.BAD)
_IDLE = int(TransactionStatus.IDLE)

Parameter = bytes | None
Statement = tuple[str, Sequence[Parameter]]
_Key = tuple[str, str]
"""Whom a prepared statement is for, and its text."""


class Connection:
    """One libpq connection in pipeline mode; one request at a time."""

    def __init__(self, conn: PGconn, loop: asyncio.AbstractEventLoop, *, prepares: bool = True) -> None:
        """Wrap a connection that is established. Behind a transaction pooler statements must not be prepared."""
        self._conn = conn
        self._loop = loop
        self._socket = conn.socket
        self._prepares = prepares
        self._prepared: OrderedDict[_Key, bytes] = OrderedDict()
        self._evicted: list[bytes] = []
        self._fresh: list[_Key] = []
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
        return not self._closed and self._pending is None and self._conn.status == _GOOD

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return not self._closed and self._conn.transaction_status == _IDLE

    async def run(self, statements: Sequence[Statement], *, role: str = "") -> list[Result]:
        """Send all statements and one Sync; give one Result each. Raises DatabaseError or ConnectionLost.

        `role` is whom they will run as, if they change it: each role has prepared statements of its own, because
        PostgreSQL parses and plans one that reads tables with row security anew whenever the role is another.

        A batch that fails because a prepared statement is stale is sent once more, as nothing of it was committed;
        not inside a transaction block that an earlier batch opened.
        """
        was_idle = self.idle
        try:
            return await self._run(statements, role)
        except DatabaseError as error:
            if not was_idle or not _is_stale(error):
                raise
        if not self.idle:
            await self._run([("ROLLBACK", ())], "")
        return await self._run(statements, role)

    def close(self) -> None:
        """Close the socket; a request under way fails with ConnectionLost."""
        if not self._closed:
            self._fail(ConnectionLost("the connection was closed"))

    async def _run(self, statements: Sequence[Statement], role: str) -> list[Result]:
        _refuse_nul(statements)
        pending = self._pending = self._loop.create_future()
        try:
            sent = self._send(statements, role)
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
        return self._results(raw, sent)

    def _send(self, statements: Sequence[Statement], role: str) -> list[_Key | None]:
        """Queue Parse (when new), Bind and Execute of every statement; None in the answer marks other messages."""
        conn, prepared = self._conn, self._prepared
        sent: list[_Key | None] = []
        self._raw = []
        self._fresh = []
        if self._evicted:
            self._close_evicted(sent)
        for sql, parameters in statements:
            key = (role, sql)
            if self._prepares:
                name = prepared.get(key)
                if name is None:
                    name = self._prepare(key, sent)
                else:
                    prepared.move_to_end(key)
                conn.send_query_prepared(name, parameters or None)
            else:
                conn.send_query_params(sql.encode(), parameters or None)
            sent.append(key)
        conn.pipeline_sync()
        return sent

    def _prepare(self, key: _Key, sent: list[_Key | None]) -> bytes:
        self._counter += 1
        name = b"s%d" % self._counter
        self._prepared[key] = name
        self._fresh.append(key)
        self._conn.send_prepare(name, key[1].encode())
        sent.append(None)
        return name

    def _close_evicted(self, sent: list[_Key | None]) -> None:
        for name in self._evicted:
            self._conn.send_close_prepared(name)
            sent.append(None)
        self._evicted = []

    def _results(self, raw: list[PGresult], sent: list[_Key | None]) -> list[Result]:
        for item in raw:
            if item.status == _FAILED:
                error = result.of_failure(item)
                self._forget([key for key in sent if key] if _is_stale(error) else self._fresh)
                raise error
        while len(self._prepared) > PREPARED_PER_CONNECTION:
            self._evicted.append(self._prepared.popitem(last=False)[1])
        return [Result(item) for item, key in zip(raw, sent, strict=True) if key is not None]

    def _forget(self, statements: list[_Key]) -> None:
        """After an error, forget the statements that may not have been parsed, or that are stale.

        Closing a statement that does not exist is no error, so those that were never made are closed too.
        """
        for key in statements:
            name = self._prepared.pop(key, None)
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
            if self._conn.status == _BAD:
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
        conn, raw = self._conn, self._raw
        separators = 0
        while separators < 2 and not conn.is_busy():  # noqa: PLR2004 - see above
            item = conn.get_result()
            if item is None:
                separators += 1
                continue
            separators = 0
            if item.status == _SYNCED:
                if not pending.done():
                    pending.set_result(raw)
                return
            raw.append(item)

    def _fail(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._pending is not None and not self._pending.done():
            lost = next((item for item in self._raw if item.status == _FAILED), None)
            failure = ConnectionLost("PostgreSQL closed the connection") if lost is None else result.of_failure(lost)
            failure.__cause__ = error
            self._pending.set_exception(failure)
        self._conn.finish()

    def _abandon(self) -> None:
        """Ask PostgreSQL to stop what nobody waits for; the request for that travels on a connection of its own."""
        if not self._closed:
            self._loop.run_in_executor(None, _cancel, self._conn.get_cancel())
            self.close()


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
            # 0 and not b"\0": bytes first try to read what they are asked for as a number.
            if parameter is not None and 0 in parameter:
                raise DatabaseError("22021", 'invalid byte sequence for encoding "UTF8": 0x00', None, None)


def _cancel(cancel: PGcancel) -> None:
    with contextlib.suppress(psycopg.Error):
        cancel.cancel()
