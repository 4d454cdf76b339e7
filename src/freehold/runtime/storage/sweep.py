"""Taking away bytes that no row names: left by a crash between writing bytes and writing the row, or after it."""

import asyncio
import contextlib
import logging
import time

from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.storage.call import Depot, bytes_key
from freehold.runtime.storage.scope import statement

GRACE_SECONDS = 24 * 60 * 60
"""No upload takes longer from its last byte to its row than this."""
UNNAMED_AT_MOST = 100
"""More unnamed objects than this are taken for an accident where they are also more than the named ones."""
EVERY_SECONDS = 6 * 60 * 60
PAGE = 5000

logger = logging.getLogger(__name__)


class SweepRefused(Exception):
    """The folder looks as if it belonged to another database, or to another state of it: nothing was deleted."""


async def sweep(depot: Depot, *, grace_seconds: float = GRACE_SECONDS) -> int:
    """Delete unnamed bytes that have not changed for `grace_seconds`; gives how many objects and parts went.

    The bytes are listed before the rows are read: what gets a row meanwhile is either too young to be listed, or had
    its row already. Safe beside uploads, and beside another sweep. Raises SweepRefused where most files are unnamed: a
    database that was set back, or an empty one, must not cost the files.
    """
    instant = time.time() - grace_seconds
    parts = await asyncio.to_thread(depot.store.discard_unfinished, instant)
    listed = {item.key for item in await asyncio.to_thread(lambda: list(depot.store.list_unchanged_since(instant)))}
    unnamed = set(listed)
    if unnamed:
        await _keep_named(depot, unnamed)
    if len(unnamed) > UNNAMED_AT_MOST and len(unnamed) * 2 > len(listed):
        raise SweepRefused(f"{len(unnamed)} of {len(listed)} files are unknown to the database: is it another one?")
    for key in unnamed:
        await depot.store.delete(key)
    return parts + len(unnamed)


async def _keep_named(depot: Depot, keys: set[str]) -> None:
    """Take every key that a row names out of `keys`; raises DatabaseError when a policy would hide a row."""
    bucket, name = "", ""
    while True:
        statements = [statement("refuse_hidden_rows"), statement("all_versions", bucket, name, PAGE)]
        page = (await depot.pool.run(statements))[1].rows
        for raw_bucket, raw_name, raw_version in page:
            bucket, name = (raw_bucket or b"").decode(), (raw_name or b"").decode()
            keys.discard(bytes_key(bucket, name, raw_version.decode() if raw_version is not None else None))
        if len(page) < PAGE:
            return


class Sweeper:
    """Sweeps every EVERY_SECONDS while the app runs."""

    def __init__(self, depot: Depot) -> None:
        """Begin nothing yet."""
        self._depot = depot
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first sweep comes after one interval, so that a start is never slowed."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                count = await sweep(self._depot)
            except (SweepRefused, ConnectionLost, DatabaseError, PoolExhausted, TimeoutError, OSError) as error:
                logger.warning("storage: the sweep failed and will be tried again: %s", error)
            else:
                logger.info("storage: %d unnamed files taken away", count)
