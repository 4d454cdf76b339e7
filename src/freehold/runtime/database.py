"""Database access: one round trip a request over a bounded pool of pipelined connections, and notifications."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import psycopg
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn

from freehold.core.secret import Secret
from freehold.runtime.connection import (
    Connection,
    ConnectionLost,
    DatabaseError,
    Parameter,
    Result,
    Row,
    Statement,
    open_connection,
)

ACQUIRE_TIMEOUT_SECONDS = 10.0
LIFETIME_SECONDS = 1800.0
WAITING_PER_CONNECTION = 100

__all__ = [
    "Connection", "ConnectionLost", "DatabaseError", "Parameter", "Pool", "PoolExhausted", "Result", "Row", "Statement",
    "caller_statement", "notifications",
]  # fmt: skip


class PoolExhausted(Exception):
    """No connection became free within ACQUIRE_TIMEOUT_SECONDS, or too many requests wait already."""


class Pool:
    """A bounded pool of connections of one login role. Those who wait are served in order."""

    def __init__(self, dsn: Secret, size: int) -> None:
        """Connections are made when they are first needed."""
        self._dsn = dsn
        self._size = size
        self._free: deque[Connection] = deque()
        self._open = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    async def run(self, statements: Sequence[Statement]) -> list[Result]:
        """Run statements as one implicit transaction on any connection."""
        connection = self._take() or await self._acquire()
        try:
            return await connection.run(statements)
        finally:
            self._release(connection)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; one that comes back inside a transaction is closed instead of kept."""
        connection = self._take() or await self._acquire()
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
            self._open -= 1

    def _take(self) -> Connection | None:
        """Give a free connection at once, if there is one."""
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                return connection
            connection.close()
            self._open -= 1
        return None

    async def _acquire(self) -> Connection:
        if self._open >= self._size:
            handed = await self._wait()
            if handed is not None:
                return handed
        else:
            self._open += 1
        try:
            return await Connection.connect(self._dsn.reveal())
        except BaseException:
            self._give_up_place()
            raise

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or None for the right to open one."""
        if len(self._waiting) >= self._size * WAITING_PER_CONNECTION:
            raise PoolExhausted("too many requests wait for a database connection")
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await asyncio.wait_for(asyncio.shield(turn), ACQUIRE_TIMEOUT_SECONDS)
        except BaseException as error:
            self._leave_queue(turn)
            if isinstance(error, TimeoutError):
                raise PoolExhausted("no database connection became free") from error
            raise

    def _leave_queue(self, turn: "asyncio.Future[Connection | None]") -> None:
        """Pass on what was handed over in the very moment of giving up."""
        if not turn.done():
            turn.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)
            return
        handed = turn.result()
        if handed is None:
            self._give_up_place()
        else:
            self._release(handed)

    def _release(self, connection: Connection) -> None:
        fresh = time.monotonic() - connection.opened_at < LIFETIME_SECONDS
        if not (fresh and connection.usable and connection.idle):
            connection.close()
            self._give_up_place()
            return
        if not self._hand_over(connection):
            self._free.append(connection)

    def _give_up_place(self) -> None:
        """Let the next in the queue open a connection, or leave the place empty."""
        if not self._hand_over(None):
            self._open -= 1

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False


async def notifications(dsn: Secret, channel: str) -> AsyncGenerator[str | None, None]:
    """Listen on a connection of its own: None when listening began, then every payload. Raises ConnectionLost."""
    conn = await open_connection(dsn.reveal())
    try:
        quoted = '"' + channel.replace('"', '""') + '"'
        conn.send_query(f"LISTEN {quoted}".encode())
        while True:
            await _readable(conn)
            if conn.is_busy():
                continue
            result = conn.get_result()
            if result is None:
                break
            if result.status != ExecStatus.COMMAND_OK:
                raise ConnectionLost("LISTEN was refused")
        yield None
        while True:
            while (message := conn.notifies()) is not None:
                yield message.extra.decode("utf-8", "replace")
            await _readable(conn)
    finally:
        conn.finish()


async def _readable(conn: PGconn) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(conn.socket, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(conn.socket)
    try:
        conn.consume_input()
    except psycopg.Error as error:
        raise ConnectionLost("PostgreSQL closed the connection") from error
    if conn.status == ConnStatus.BAD:
        raise ConnectionLost("PostgreSQL closed the connection")


def caller_statement(role: str, claims_json: str) -> Statement:
    """The statement that makes the rest of the batch run as `role` with these claims."""
    sql = "select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)"
    return sql, (claims_json.encode(), role.encode())
