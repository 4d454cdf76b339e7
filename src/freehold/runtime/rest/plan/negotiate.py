"""Which media type the answer has, and what writes it."""

from typing import NamedTuple

from freehold.runtime.rest import errors, media
from freehold.runtime.rest.cache.model import ANY_ROW, Handler, Name, SchemaCache
from freehold.runtime.rest.media import MediaType

JSON_ROWS, JSON_SINGLE, JSON_SINGLE_STRIPPED, JSON_STRIPPED = "json", "single", "single-stripped", "stripped"
CSV_ROWS, GEOJSON_ROWS, CUSTOM, NOTHING = "csv", "geojson", "custom", "nothing"


class Writer(NamedTuple):
    """What turns rows into a body."""

    kind: str
    handler: Handler | None = None


_OWN = {
    media.ANY: (Writer(JSON_ROWS), MediaType(media.JSON)),
    media.JSON: (Writer(JSON_ROWS), MediaType(media.JSON)),
    media.CSV: (Writer(CSV_ROWS), MediaType(media.CSV)),
    media.GEOJSON: (Writer(GEOJSON_ROWS), MediaType(media.GEOJSON)),
}
_VENDORED = {
    media.SINGULAR: Writer(JSON_SINGLE),
    media.SINGULAR_STRIPPED: Writer(JSON_SINGLE_STRIPPED),
    media.ARRAY_STRIPPED: Writer(JSON_STRIPPED),
}


def negotiate(
    cache: SchemaCache, relation: Name, accepted: tuple[MediaType, ...], *, default_select: bool, plan_enabled: bool
) -> tuple[Writer, MediaType]:
    """Take the first accepted media type that something produces; raises ApiError PGRST107."""
    for wanted in accepted:
        found = _find(cache, relation, wanted, default_select=default_select, plan_enabled=plan_enabled)
        if found is not None:
            return found
    raise errors.not_acceptable(media.as_written(item) for item in accepted)


def _find(
    cache: SchemaCache, relation: Name, wanted: MediaType, *, default_select: bool, plan_enabled: bool
) -> tuple[Writer, MediaType] | None:
    if wanted.is_plan:
        inner = MediaType(wanted.plan_of)
        found = _find(cache, relation, inner, default_select=default_select, plan_enabled=plan_enabled)
        return (found[0], wanted) if found is not None and plan_enabled else None
    if wanted.name in _VENDORED:
        return _VENDORED[wanted.name], wanted
    own_handlers = ((relation, media.ANY), (relation, wanted.name.lower())) if default_select else ()
    for key in (*own_handlers, (ANY_ROW, wanted.name.lower())):
        handler = cache.handlers.get(key)
        if handler is not None:
            return Writer(CUSTOM, handler), media.parse(handler.media_type)
    return _OWN.get(wanted.name)
