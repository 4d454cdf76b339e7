"""Opening a libpq connection without blocking the event loop."""

import asyncio

from psycopg import pq
from psycopg.pq import ConnStatus, PollingStatus
from psycopg.pq.abc import PGconn

from freehold.runtime.result import ConnectionLost

CONNECT_TIMEOUT_SECONDS = 10.0


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
