"""Database access: one round trip a request over a bounded pool of pipelined connections, and notifications."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn

from freehold.core.secret import Secret
from freehold.runtime.connection import Connection, Parameter, Statement
from freehold.runtime.login import open_connection
from freehold.runtime.result import ConnectionLost, DatabaseError, Result, Row

ACQUIRE_TIMEOUT_SECONDS = 10.0
LIFETIME_SECONDS = 1800.0
IDLE_SECONDS = 30.0
WAITING_PER_CONNECTION = 100

__all__ = [
    "Connection", "ConnectionLost", "DatabaseError", "Parameter", "Pool", "PoolExhausted", "PoolLimits", "Result",
    "Row", "Statement", "caller_statement", "notifications",
]  # fmt: skip


_Turn = tuple[float, "asyncio.Future[Connection | None]"]
"""Until when somebody waits, and what ends the wait."""


class PoolExhausted(Exception):
    """No connection became free within ACQUIRE_TIMEOUT_SECONDS, or too many requests wait already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How long things last in a pool."""

    acquire_seconds: float = ACQUIRE_TIMEOUT_SECONDS
    """How long a request waits for a connection."""
    lifetime_seconds: float = LIFETIME_SECONDS
    idle_seconds: float = IDLE_SECONDS
    """How long a connection is kept that nobody uses."""
    prepares: bool = True
    """Whether statements are prepared; not behind a transaction pooler."""


class Pool:
    """A bounded pool of connections of one login role. Those who wait are served in order."""

    def __init__(self, dsn: Secret, size: int, limits: PoolLimits | None = None) -> None:
        """Connections are made when they are first needed."""
        self._dsn = dsn
        self._size = size
        self._limits = limits or PoolLimits()
        self._oldest = 0.0
        self._reaper: asyncio.TimerHandle | None = None
        self.timeouts = 0
        self._free: deque[Connection] = deque()
        self._open = 0
        self._waiting: deque[_Turn] = deque()
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self, statements: Sequence[Statement], *, role: str = "") -> list[Result]:
        """Run statements as one implicit transaction on any connection; `role` is whom they make themselves run as."""
        connection = self._take() or await self._acquire()
        try:
            return await connection.run(statements, role=role)
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

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return sum(not turn.done() for _, turn in self._waiting)

    @property
    def available(self) -> int:
        """How many open connections nobody uses."""
        return len(self._free)

    def flush(self) -> None:
        """Use no connection again that is open now; what runs on one is finished there."""
        self._oldest = time.monotonic()
        while self._free:
            self._free.popleft().close()
            self._open -= 1

    async def close(self) -> None:
        """Close every free connection."""
        for timer in (self._reaper, self._expiry):
            if timer is not None:
                timer.cancel()
        self._reaper = self._expiry = None
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
            return await Connection.connect(self._dsn.reveal(), prepares=self._limits.prepares)
        except BaseException:
            self._give_up_place()
            raise

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or None for the right to open one."""
        if len(self._waiting) >= self._size * WAITING_PER_CONNECTION:
            raise PoolExhausted("too many requests wait for a database connection")
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append((loop.time() + self._limits.acquire_seconds, turn))
        if self._expiry is None:
            self._expiry = loop.call_later(self._limits.acquire_seconds, self._expire)
        try:
            return await turn
        except asyncio.CancelledError:
            self._leave_queue(turn)
            raise

    def _expire(self) -> None:
        """Send away who waited too long. All wait equally long, so one timer for the first in the queue is enough."""
        self._expiry = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            until, turn = self._waiting[0]
            if until > loop.time() and not turn.done():
                self._expiry = loop.call_later(until - loop.time(), self._expire)
                return
            self._waiting.popleft()
            if not turn.done():
                self.timeouts += 1
                turn.set_exception(PoolExhausted("no database connection became free"))

    def _leave_queue(self, turn: "asyncio.Future[Connection | None]") -> None:
        """Pass on what was handed over in the very moment of giving up."""
        if turn.cancelled() or not turn.done() or turn.exception() is not None:
            return
        handed = turn.result()
        if handed is None:
            self._give_up_place()
        else:
            self._release(handed)

    def _release(self, connection: Connection) -> None:
        now = time.monotonic()
        fresh = now - connection.opened_at < self._limits.lifetime_seconds and connection.opened_at >= self._oldest
        if not (fresh and connection.usable and connection.idle):
            connection.close()
            self._give_up_place()
            return
        if not self._hand_over(connection):
            connection.freed_at = now
            self._free.append(connection)
            if self._reaper is None:
                self._reaper = asyncio.get_running_loop().call_later(self._limits.idle_seconds, self._reap)

    def _reap(self) -> None:
        """Close what has been free for too long; connections are used last in, first out, so those are on the left."""
        self._reaper = None
        now = time.monotonic()
        while self._free and now - self._free[0].freed_at >= self._limits.idle_seconds:
            self._free.popleft().close()
            self._open -= 1
        if self._free:
            left = self._limits.idle_seconds - (now - self._free[0].freed_at)
            self._reaper = asyncio.get_running_loop().call_later(left, self._reap)

    def _give_up_place(self) -> None:
        """Let the next in the queue open a connection, or leave the place empty."""
        if not self._hand_over(None):
            self._open -= 1

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._waiting:
            _, turn = self._waiting.popleft()
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
        answered = False
        while not answered:
            await _readable(conn)
            # Both the result and its end may have come at once: then nothing more will be readable.
            while not answered and not conn.is_busy():
                result = conn.get_result()
                answered = result is None
                if result is not None and result.status != ExecStatus.COMMAND_OK:
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
