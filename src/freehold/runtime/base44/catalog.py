"""The entities that the database has tables for, as they were made."""

import time

import orjson

from freehold.platform.entities.schema import PEOPLE, Entity, read_entity
from freehold.runtime.base44.http import plain
from freehold.runtime.database import Pool

ASK_AGAIN_SECONDS = 2.0
_PERSON = read_entity("User", {"name": "User", "type": "object", "properties": {}})


class Catalog:
    """Names are matched without regard to case, as at the builder."""

    def __init__(self, pool: Pool) -> None:
        """Nothing is read before the first question."""
        self._pool = pool
        self._entities: dict[str, Entity] | None = None
        self._read_at = 0.0

    async def entity(self, name: str) -> Entity:
        """Give an entity; one that is not known is refused with 404."""
        known = await self.all()
        found = known.get(name.lower())
        if found is None and time.monotonic() - self._read_at > ASK_AGAIN_SECONDS:
            found = (await self._load()).get(name.lower())
        if found is None:
            raise plain(404, f'Entity "{name}" not found')
        return found

    async def all(self) -> dict[str, Entity]:
        """Give every entity by its lower-case name."""
        return await self._load() if self._entities is None else self._entities

    async def _load(self) -> dict[str, Entity]:
        sql = "select coalesce(json_agg(json_build_array(name, schema, kinds, inferred)), '[]') from base44.entity"
        (result,) = await self._pool.run([(sql, ())])
        rows = orjson.loads(result.one()[0] or b"[]")
        found = {
            name.lower(): read_entity(name, schema, kinds=kinds, inferred=inferred)
            for name, schema, kinds, inferred in rows
        }
        self._entities = {PEOPLE: _PERSON} | found
        self._read_at = time.monotonic()
        return self._entities
