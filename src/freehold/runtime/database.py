"""One round trip a request: statements sent as one libpq pipeline through psycopg.pq.

All messages up to the Sync are one implicit transaction, so `set_config(..., true)` holds for the request and is gone
after it, and an error undoes everything. Bodies come back as PostgreSQL's own text and are never parsed here.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from psycopg import pq
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from freehold.core.secret import Secret

PREPARED_PER_CONNECTION = 400
ACQUIRE_TIMEOUT_SECONDS = 10.0
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


class PoolExhausted(Exception):
    """No connection became free within ACQUIRE_TIMEOUT_SECONDS."""


@dataclass(frozen=True, slots=True)
class Result:
    """One statement's answer in text format. `count` is the number in the command tag, 0 if it has none."""

    columns: tuple[str, ...]
    rows: list[Row]
    count: int

    def one(self) -> Row:
        """Give the only row; an empty result is a mistake in the statement that was sent."""
        return self.rows[0]


class Connection:
    """One libpq connection in pipeline mode; one request at a time."""

    def __init__(self, conn: PGconn, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap a connection that is established."""
        self._conn = conn
        self._loop = loop
        self._socket = conn.socket
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._counter = 0
        self._raw: list[PGresult] = []
        self._pending: asyncio.Future[list[PGresult]] | None = None
        self._writing = False
        conn.nonblocking = 1
        conn.enter_pipeline_mode()
        loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, dsn: str) -> "Connection":
        """Connect without blocking the loop; raises ConnectionLost."""
        loop = asyncio.get_running_loop()
        conn = await asyncio.wait_for(
            loop.run_in_executor(None, pq.PGconn.connect, dsn.encode()), CONNECT_TIMEOUT_SECONDS
        )
        if conn.status != ConnStatus.OK:
            raise ConnectionLost("PostgreSQL cannot be reached")
        return cls(conn, loop)

    @property
    def usable(self) -> bool:
        """Whether the next request may use this connection."""
        return self._conn.status == ConnStatus.OK and self._pending is None

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self._conn.transaction_status == TransactionStatus.IDLE

    async def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Send all statements and one Sync; give one Result each. Raises DatabaseError or ConnectionLost."""
        kinds = self._send(statements)
        self._pending = self._loop.create_future()
        self._flush()
        try:
            raw = await self._pending
        except asyncio.CancelledError:
            self._cancel()
            raise
        finally:
            self._pending = None
        return self._results(raw, kinds)

    def close(self) -> None:
        """Close the socket; a request under way fails with ConnectionLost."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(ConnectionLost("the connection was closed"))
        self._conn.finish()

    def _send(self, statements: Sequence[Statement]) -> list[str | None]:
        """Queue Parse (when new), Bind and Execute of every statement; None in the answer marks a Parse."""
        kinds: list[str | None] = []
        self._raw = []
        for sql, parameters in statements:
            name = self._prepared.get(sql)
            if name is None:
                name = self._new_name()
                self._prepared[sql] = name
                self._conn.send_prepare(name, sql.encode())
                kinds.append(None)
            else:
                self._prepared.move_to_end(sql)
            self._conn.send_query_prepared(name, list(parameters) or None)
            kinds.append(sql)
        self._conn.pipeline_sync()
        return kinds

    def _new_name(self) -> bytes:
        self._counter += 1
        return b"s%d" % self._counter

    def _results(self, raw: list[PGresult], kinds: list[str | None]) -> list[Result]:
        for result in raw:
            if result.status == ExecStatus.FATAL_ERROR:
                self._forget(kinds)
                raise _error(result)
        answers = [_result(item) for item, kind in zip(raw, kinds, strict=True) if kind is not None]
        self._evict()
        return answers

    def _forget(self, kinds: list[str | None]) -> None:
        """After an error, forget this batch's plans: a Parse may have failed, or a table may have changed."""
        for sql in kinds:
            if sql is not None:
                self._prepared.pop(sql, None)

    def _evict(self) -> None:
        while len(self._prepared) > PREPARED_PER_CONNECTION:
            self._prepared.popitem(last=False)

    def _flush(self) -> None:
        if self._conn.flush():
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._socket, self._writable)
        elif self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _writable(self) -> None:
        self._flush()

    def _readable(self) -> None:
        try:
            self._conn.consume_input()
            self._drain()
        except Exception as error:  # noqa: BLE001 - libpq's error carries the connection string's host
            self._fail(error)
        if self._conn.status == ConnStatus.BAD:
            self._fail(None)

    def _drain(self) -> None:
        while not self._conn.is_busy():
            result = self._conn.get_result()
            if result is None:
                if self._pending is None or self._pending.done():
                    return
                following = self._conn.get_result() if not self._conn.is_busy() else None
                if following is None:
                    return
                result = following
            if result.status == ExecStatus.PIPELINE_SYNC:
                if self._pending is not None and not self._pending.done():
                    self._pending.set_result(self._raw)
                return
            self._raw.append(result)

    def _fail(self, error: Exception | None) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._pending is not None and not self._pending.done():
            lost = ConnectionLost("PostgreSQL closed the connection")
            lost.__cause__ = error
            self._pending.set_exception(lost)

    def _cancel(self) -> None:
        with contextlib.suppress(Exception):
            self._conn.get_cancel().cancel()
        self.close()


class Pool:
    """A bounded pool of connections of one login role."""

    def __init__(self, dsn: Secret, size: int) -> None:
        """Connections are made when they are first needed."""
        self._dsn = dsn
        self._size = size
        self._free: deque[Connection] = deque()
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Run statements as one implicit transaction on any connection."""
        async with self.connection() as connection:
            return await connection.run(statements)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; one that comes back inside a transaction is closed instead of kept."""
        connection = await self._acquire()
        try:
            yield connection
        finally:
            self._release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self, begin: str = "BEGIN") -> AsyncIterator[Connection]:
        """Lend a connection inside BEGIN ... COMMIT; an exception rolls back."""
        async with self.connection() as connection:
            await connection.run([(begin, ())])
            try:
                yield connection
            except BaseException:
                if connection.usable:
                    await connection.run([("ROLLBACK", ())])
                raise
            await connection.run([("COMMIT", ())])

    async def close(self) -> None:
        """Close every free connection."""
        while self._free:
            self._free.popleft().close()

    async def _acquire(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                return connection
            self._discard(connection)
        if self._open < self._size:
            self._open += 1
            try:
                return await Connection.connect(self._dsn.reveal())
            except BaseException:
                self._open -= 1
                raise
        await self._wait()
        return await self._acquire()

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(turn, ACQUIRE_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise PoolExhausted("no database connection became free") from error
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)

    def _release(self, connection: Connection) -> None:
        if connection.usable and connection.idle:
            self._free.append(connection)
        else:
            self._discard(connection)
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self._open -= 1


def caller_statement(role: str, claims_json: str) -> Statement:
    """The statement that makes the rest of the batch run as `role` with these claims."""
    sql = "select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)"
    return sql, (claims_json.encode(), role.encode())


def _result(raw: PGresult) -> Result:
    columns = tuple((raw.fname(index) or b"").decode() for index in range(raw.nfields))
    rows = [tuple(raw.get_value(row, column) for column in range(raw.nfields)) for row in range(raw.ntuples)]
    return Result(columns, rows, raw.command_tuples or 0)


def _error(raw: PGresult) -> DatabaseError:
    def part(field: DiagnosticField) -> str | None:
        value = raw.error_field(field)
        return value.decode("utf-8", "replace") if value is not None else None

    sqlstate = part(DiagnosticField.SQLSTATE) or "XX000"
    message = part(DiagnosticField.MESSAGE_PRIMARY) or "unknown error"
    return DatabaseError(sqlstate, message, part(DiagnosticField.MESSAGE_DETAIL), part(DiagnosticField.MESSAGE_HINT))
