"""What a process knows of its database, and how it stays true: loaded, renewed on NOTIFY, retried while it is away."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from freehold.core.secret import Secret
from freehold.runtime.database import ConnectionLost, DatabaseError, Pool, PoolExhausted, notifications
from freehold.runtime.rest import configuration
from freehold.runtime.rest.cache.load import load
from freehold.runtime.rest.cache.model import SchemaCache
from freehold.runtime.rest.compiled import Compiled
from freehold.runtime.rest.execute import RoleSettings
from freehold.runtime.rest.payload import Reader
from freehold.runtime.rest.settings import RestSettings

DEBOUNCE_SECONDS = 0.1
LISTEN_FIRST_SECONDS = 2.0
RELOADING = ("", "reload schema", "reload config")
RETRY_SECONDS = 1.0
"""Between attempts to reach a database that is away: one refused connection a second costs neither side anything."""
CACHED_PLANS = 2000

log = logging.getLogger("freehold.rest")

Source = Callable[[Pool, RestSettings], Awaitable[RestSettings]]
"""Reads the settings that hold from now on; the second argument is what a server was started with."""

AWAY = (ConnectionLost, DatabaseError, PoolExhausted, TimeoutError, OSError)


@dataclass(slots=True)
class Knowledge:
    """One consistent view of the database. Replaced as a whole, together with the plans made from it."""

    cache: SchemaCache
    settings: RestSettings
    roles: RoleSettings
    plans: "OrderedDict[tuple[object, ...], Compiled]" = field(default_factory=OrderedDict)
    readers: "OrderedDict[tuple[object, ...], Reader]" = field(default_factory=OrderedDict)
    """By the shape of a request without its body: what reads the body."""

    def keep(self, key: tuple[object, ...], compiled: Compiled) -> None:
        """Remember a plan; the oldest one goes when there are too many."""
        self.plans[key] = compiled
        if len(self.plans) > CACHED_PLANS:
            self.plans.popitem(last=False)

    def keep_reader(self, key: tuple[object, ...], reader: Reader) -> None:
        """Remember how bodies are read, likewise."""
        self.readers[key] = reader
        if len(self.readers) > CACHED_PLANS:
            self.readers.popitem(last=False)


class State:
    """Owns the knowledge and the tasks that renew it."""

    def __init__(
        self, pool: Pool, settings: RestSettings, dsn: Secret, source: Source = configuration.load_settings
    ) -> None:
        """Know nothing yet."""
        self._pool = pool
        self._source = source
        self._settings = settings
        self._dsn = dsn
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()
        """Set once listening began or failed."""
        self._tasks: list[asyncio.Task[None]] = []
        self.known: Knowledge | None = None
        self.loads = self.failures = 0
        self.load_seconds = 0.0
        self.is_pending = True
        """Whether a load is under way or has failed."""

    async def start(self) -> None:
        """Load once if PostgreSQL answers, and keep trying in the background if it does not."""
        if self._settings.db_channel_enabled:
            # It listens before it loads: a change in between is not missed.
            self._tasks.append(asyncio.create_task(self._listen()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LISTEN_FIRST_SECONDS):
                    await self._tried.wait()
        try:
            await self.reload()
        except AWAY as error:
            log.warning("the schema cache could not be loaded yet: %s", error)
            self._wanted.set()
        self._tasks.append(asyncio.create_task(self._renew()))

    async def stop(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def reload(self) -> None:
        """Read settings and catalogue anew; requests under way keep what they started with."""
        self.is_pending = True
        try:
            settings = await self._source(self._pool, self._settings)
            roles = await configuration.load_role_settings(self._pool)
            started = time.monotonic()
            cache = await load(self._pool, settings)
        except AWAY:
            self.failures += 1
            raise
        self.load_seconds = time.monotonic() - started
        if self.known is not None:
            # A statement prepared for a column that was uuid refuses what fits the bigint that it is now.
            self._pool.flush()
        self.known = Knowledge(cache, settings, roles)
        self.loads += 1
        self.is_pending = False

    def want(self) -> None:
        """Ask for a reload soon; many wishes within DEBOUNCE_SECONDS are one."""
        self._wanted.set()

    async def _renew(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(DEBOUNCE_SECONDS)
            self._wanted.clear()
            try:
                await self.reload()
            except AWAY as error:
                log.warning("the schema cache could not be loaded, next try in %.0f s: %s", RETRY_SECONDS, error)
                self._wanted.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """Wait for NOTIFY; after a lost connection something may have been missed, so reload."""
        while True:
            try:
                async with contextlib.aclosing(notifications(self._dsn, self._settings.db_channel)) as messages:
                    async for message in messages:
                        if message in RELOADING or (message is None and self.known is not None):
                            self.want()
                        self._tried.set()
            except AWAY as error:
                log.warning("the listener lost its connection, next try in %.0f s: %s", RETRY_SECONDS, error)
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)
