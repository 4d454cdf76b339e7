"""The leader's reader of broadcasts that SQL has sent through realtime.messages."""

import asyncio

import orjson

from freehold.runtime import waiting
from freehold.runtime.database import Pool
from freehold.runtime.realtime.hub import Hub

LOOK_SECONDS = 2.0
"""Notifications come at once; this is for those that a lost connection swallowed."""


class Outbox:
    """The duty `read`; `wake` when PostgreSQL has said that there is something."""

    def __init__(self, pool: Pool, hub: Hub) -> None:
        """Nothing is read yet."""
        self._pool = pool
        self._hub = hub
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def begin(self) -> None:
        """Note what was there before anybody listened."""
        (result,) = await self._pool.run([("select pg_current_snapshot()::text", ())])
        self._hub.snapshot = (result.one()[0] or b"").decode()

    async def read(self) -> None:
        """Hand on what was sent since the last leader looked, and from then on what is sent."""
        if not self._hub.snapshot:
            await self.begin()
        while True:
            self._wake.clear()
            sql = "select snapshot, messages from freehold_worker.broadcasts_since($1)"
            (result,) = await self._pool.run([(sql, (self._hub.snapshot.encode(),))])
            snapshot, messages = result.one()
            found = orjson.loads(messages or b"[]")
            if found or (snapshot or b"").decode() != self._hub.snapshot:
                self._hub.sql_broadcasts((snapshot or b"").decode(), found)
            await waiting.happens(self._wake, LOOK_SECONDS)
