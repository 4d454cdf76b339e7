"""What a process knows of its database, and how it stays true: loaded, renewed on NOTIFY, retried while it is away."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from dataclasses import dataclass, field

from freehold.core.secret import Secret
from freehold.runtime.database import ConnectionLost, DatabaseError, Pool, PoolExhausted, notifications
from freehold.runtime.rest import configuration
from freehold.runtime.rest.cache.load import load
from freehold.runtime.rest.cache.model import SchemaCache
from freehold.runtime.rest.compiled import Compiled
from freehold.runtime.rest.execute import RoleSettings
from freehold.runtime.rest.settings import RestSettings

DEBOUNCE_SECONDS = 0.1
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 32.0
CACHED_PLANS = 2000

log = logging.getLogger("freehold.rest")

AWAY = (ConnectionLost, DatabaseError, PoolExhausted, TimeoutError, OSError)


@dataclass(slots=True)
class Knowledge:
    """One consistent view of the database. Replaced as a whole, together with the plans made from it."""

    cache: SchemaCache
    settings: RestSettings
    roles: RoleSettings
    plans: "OrderedDict[tuple[object, ...], Compiled]" = field(default_factory=OrderedDict)

    def keep(self, key: tuple[object, ...], compiled: Compiled) -> None:
        """Remember a plan; the oldest one goes when there are too many."""
        self.plans[key] = compiled
        if len(self.plans) > CACHED_PLANS:
            self.plans.popitem(last=False)


class State:
    """Owns the knowledge and the tasks that renew it."""

    def __init__(self, pool: Pool, settings: RestSettings, dsn: Secret) -> None:
        """Know nothing yet."""
        self._pool = pool
        self._settings = settings
        self._dsn = dsn
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.known: Knowledge | None = None

    async def start(self) -> None:
        """Load once if PostgreSQL answers, and keep trying in the background if it does not."""
        try:
            await self.reload()
        except AWAY as error:
            log.warning("the schema cache could not be loaded yet: %s", error)
            self._wanted.set()
        self._tasks = [asyncio.create_task(self._renew())]
        if self._settings.db_channel_enabled:
            self._tasks.append(asyncio.create_task(self._listen()))

    async def stop(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def reload(self) -> None:
        """Read settings and catalogue anew; requests under way keep what they started with."""
        settings = await configuration.load_settings(self._pool, self._settings)
        roles = await configuration.load_role_settings(self._pool)
        cache = await load(self._pool, settings)
        self.known = Knowledge(cache, settings, roles)

    def want(self) -> None:
        """Ask for a reload soon; many wishes within DEBOUNCE_SECONDS are one."""
        self._wanted.set()

    async def _renew(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            await self._wanted.wait()
            await asyncio.sleep(DEBOUNCE_SECONDS)
            self._wanted.clear()
            try:
                await self.reload()
                delay = FIRST_DELAY_SECONDS
            except AWAY as error:
                log.warning("the schema cache could not be loaded, next try in %.0f s: %s", delay, error)
                self._wanted.set()
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    async def _listen(self) -> None:
        """Wait for NOTIFY; after a lost connection something may have been missed, so reload."""
        delay = FIRST_DELAY_SECONDS
        missed = False
        while True:
            try:
                async with contextlib.aclosing(notifications(self._dsn, self._settings.db_channel)) as messages:
                    async for message in messages:
                        if message is None:
                            delay = FIRST_DELAY_SECONDS
                        if message in ("", "reload schema", "reload config") or (message is None and missed):
                            self.want()
            except AWAY as error:
                log.warning("the listener lost its connection, next try in %.0f s: %s", delay, error)
            missed = True
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
