"""The leader's reader: follows the replication slot while anybody listens, and hands on each transaction's changes.

A change is read, handed to every worker and confirmed by each, and only then taken off the slot. So when a leader dies,
the next one reads again what may not have arrived; workers know by its place in the log what they had already.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from freehold.core.secret import Secret
from freehold.runtime.database import Connection, DatabaseError
from freehold.runtime.realtime.changes.pgoutput import Change, Decoder

PAUSE_SECONDS = 0.05
"""Between two looks at the log while nothing happens; a look costs one call."""
MOST_CHANGES = 2000
ROWS_A_FETCH = 500
CONFIRM_IDLE_SECONDS = 5.0
UNUSED_SECONDS = 600.0
GAP_STATES = frozenset({"55000", "42704", "58P01", "XX001"})
"""The slot cannot give what follows: it was invalidated or is gone, or its publication was not there at the time."""
_log = logging.getLogger("freehold.realtime")


class Outlet(Protocol):
    """Where changes go."""

    def wanted(self) -> bool:
        """Whether anybody listens."""

    async def changes(self, changes: list[Change]) -> None:
        """Hand on the changes of whole transactions; returns when every worker has them."""

    def ready(self, problem: str) -> None:
        """From now on changes are followed; or they cannot be, for this reason."""

    def closed(self) -> None:
        """Changes are not followed any more, until `ready` says otherwise."""

    def gap(self) -> None:
        """Changes were lost."""


class Source:
    """The duty `read`, and `wake` for whoever has just begun to listen."""

    def __init__(self, dsn: Secret, outlet: Outlet, *, unused_seconds: float = UNUSED_SECONDS) -> None:
        """Nothing is connected before somebody listens."""
        self._dsn = dsn
        self._outlet = outlet
        self._unused_seconds = unused_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now whether anybody listens."""
        self._wake.set()

    async def read(self) -> None:
        """Follow the log whenever somebody listens; drop the slot when nobody has for long."""
        if not await self._until(self._outlet.wanted, self._unused_seconds):
            await self._drop()
            await self._until(self._outlet.wanted, None)
        connection = await Connection.connect(self._dsn.reveal())
        try:
            await connection.run([("set statement_timeout = 0", ())])
            while True:
                if not await self._open(connection):
                    await asyncio.sleep(self._unused_seconds)
                    continue
                await self._follow(connection)
                _log.info("nobody listens to changes any more: the replication slot was dropped")
                await self._drop()
                await self._until(self._outlet.wanted, None)
        except DatabaseError as error:
            if error.sqlstate not in GAP_STATES:
                raise
            _log.warning("changes were lost: %s", error)
            connection.close()
            self._outlet.gap()
            await self._drop()
        finally:
            connection.close()

    async def _drop(self) -> None:
        """Drop the slot, if there is one, so that it holds back no log."""
        self._outlet.closed()
        connection = await Connection.connect(self._dsn.reveal())
        try:
            await connection.run([("select freehold_worker.drop_slot()", ())])
        finally:
            connection.close()

    async def _open(self, connection: Connection) -> bool:
        state = (await connection.run([("select freehold_worker.open_slot()", ())]))[0].one()[0]
        if state == b"not logical":
            problem = "PostgreSQL runs with wal_level = %s; database changes need wal_level = logical and a restart"
            level = (await connection.run([("show wal_level", ())]))[0].one()[0] or b""
            self._outlet.ready(problem % level.decode())
            return False
        if state == b"lost":
            self._outlet.gap()
        self._outlet.ready("")
        return True

    async def _follow(self, connection: Connection) -> None:
        """Read until nobody has listened for long."""
        seen, confirmed_at, listened_at = b"", time.monotonic(), time.monotonic()
        while self._outlet.wanted() or time.monotonic() - listened_at < self._unused_seconds:
            if self._outlet.wanted():
                listened_at = time.monotonic()
            (position,) = (await connection.run([("select pg_current_wal_flush_lsn()", ())]))[0].one()
            if position == seen:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            reached = await self._transactions(connection)
            now = time.monotonic()
            if reached:
                await _confirm(connection, _text(reached))
            elif now - confirmed_at > CONFIRM_IDLE_SECONDS:
                confirmed_at = now
                await _confirm(connection, position or b"0/0")
            # What was committed while the last batch was read is looked for at once.
            seen = b"" if reached else position or b""

    async def _transactions(self, connection: Connection) -> int:
        """Hand on what the log holds, some rows at a time; give where its last transaction ends, 0 for none."""
        decoder = Decoder()
        peek = f"declare log cursor for select data from freehold_worker.peek_changes({MOST_CHANGES})"  # noqa: S608
        await connection.run([("begin", ()), (peek, ())])
        while rows := (await connection.run([(f"fetch {ROWS_A_FETCH} from log", ())]))[0].rows:
            read = [decoder.feed(bytes.fromhex((data or b"")[2:].decode())) for (data,) in rows]
            changes = [change for change in read if change is not None]
            if changes:
                await self._outlet.changes(changes)
        await connection.run([("commit", ())])
        return decoder.reached

    async def _until(self, true: Callable[[], bool], seconds: float | None) -> bool:
        """Wait until it is true, looking whenever somebody wakes us; False when the time is over before that."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return False
        return True


async def _confirm(connection: Connection, position: bytes) -> None:
    await connection.run([("select freehold_worker.confirm_changes($1::pg_lsn)", (position,))])


def _text(lsn: int) -> bytes:
    return b"%X/%X" % (lsn >> 32, lsn & 0xFFFFFFFF)
