"""One leader a database: the worker process that holds the advisory lock runs the duties, the others follow it.

The lock belongs to a session of its own, so PostgreSQL frees it when the process dies; the next to ask has it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from freehold.core.secret import Secret
from freehold.runtime import waiting
from freehold.runtime.bus import JOINED, Body, Bus, BusLost
from freehold.runtime.database import Connection, ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.standing import Standing

LOCK = b"5072863430428487012"
ASK_AGAIN_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
HEARTBEAT_WITHIN_SECONDS = 5.0
RECONNECT_SECONDS = 2.0
SETTLE_WITHIN_SECONDS = 3.0
GATHER_WITHIN_SECONDS = 8.0
"""How long a new leader waits for those who followed the last one, so that they have what it reads from the first."""

Duty = Callable[[], Awaitable[None]]
"""Runs while this process leads; it is cancelled when it does not any more, and started anew when it fails."""
TROUBLES = (ConnectionLost, DatabaseError, PoolExhausted, OSError, TimeoutError)
_log = logging.getLogger("freehold.leader")


class Leader:
    """This process's part in the election."""

    def __init__(self, dsn: Secret, bus: Bus, duties: Sequence[Duty], standing: Standing | None = None) -> None:
        """Nothing is asked before `start`. A release that is not live only follows."""
        self._standing = standing or Standing(None, "")
        self._dsn = dsn
        self._bus = bus
        self._duties = duties
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self.leads = False

    async def start(self) -> None:
        """Take part from now on; returns when this process leads or follows, or soon when there is no database."""
        self._bus.on(JOINED, self._joined)
        self._task = asyncio.create_task(self._run(), name="leader")
        await waiting.happens(self._settled, SETTLE_WITHIN_SECONDS)

    async def stop(self) -> None:
        """Give the lead up, if it is here, and end the duties."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _joined(self, _: Body, __: str) -> None:
        self._settled.set()

    async def _run(self) -> None:
        while True:
            try:
                connection = await Connection.connect(self._dsn.reveal())
                try:
                    await connection.run([("set statement_timeout = 0", ())])
                    await self._take_part(connection)
                finally:
                    connection.close()
            except TROUBLES as error:
                _log.warning("no part in the election: %s", error)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _take_part(self, connection: Connection) -> None:
        while True:
            if not self._standing.live:
                self._settled.set()  # nobody may lead yet, and this one must not
                await self._follow(connection)
            elif await _asked(connection, "select pg_try_advisory_lock($1::bigint)"):
                await self._lead(connection)
                await _asked(connection, "select pg_advisory_unlock($1::bigint)")
            else:
                await self._follow(connection)
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        rows = (await connection.run([("select address, secret from freehold_worker.leader_address()", ())]))[0].rows
        for address, secret in rows:
            with contextlib.suppress(BusLost):
                await self._bus.follow((address or b"").decode(), (secret or b"").decode())

    async def _lead(self, connection: Connection) -> None:
        """Lead until another release is live, or the lock's session is lost, which raises."""
        async with self._bus.listening() as (address, secret):
            announce = "select freehold_worker.announce($1, $2)"
            await connection.run([(announce, (address.encode(), secret.encode()))])
            await self._bus.gathered(GATHER_WITHIN_SECONDS)
            tasks = [asyncio.create_task(_kept_going(duty)) for duty in self._duties]
            self.leads = True
            self._settled.set()
            try:
                while self._standing.live:
                    await asyncio.sleep(HEARTBEAT_SECONDS)
                    async with asyncio.timeout(HEARTBEAT_WITHIN_SECONDS):
                        await connection.run([("select 1", ())])
            finally:
                self.leads = False
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(connection: Connection, query: str) -> bool:
    ((answer,),) = (await connection.run([(query, (LOCK,))]))[0].rows
    return answer == b"t"


async def _kept_going(duty: Duty) -> None:
    while True:
        try:
            await duty()
        except TROUBLES as error:
            _log.warning("%s: %s", getattr(duty, "__qualname__", "duty"), error)
        except Exception:  # noqa: BLE001 - see below
            # One duty's mistake must not end the others; it is logged with its place and tried again.
            _log.exception("%s failed", getattr(duty, "__qualname__", "duty"))
        await asyncio.sleep(RECONNECT_SECONDS)
