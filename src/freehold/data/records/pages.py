"""Where records come from, and every record of an entity in pages, however the source cuts its lists."""

from collections.abc import Iterator
from typing import Any, Protocol

from freehold.data.records.api import Page

Records = tuple[dict[str, Any], ...]


class Source(Protocol):
    """Where records come from; nothing is written to it."""

    requests: int

    @property
    def identity(self) -> str:
        """Names the source: a move goes on with the same one only."""

    @property
    def described(self) -> str:
        """For people."""

    @property
    def names(self) -> frozenset[str]:
        """The entities that it has in lower case, where it can tell; the API cannot."""

    def page(self, entity: str, *, since: str, cursor: str, fields: str = "") -> Page:
        """Give one page, oldest first; a record may come twice, and may be missed when others are deleted meanwhile."""

    def count(self, entity: str) -> int:
        """How many records there are now."""

    def one(self, entity: str, identity: str) -> dict[str, Any] | None:
        """Give one record; None when it is gone."""


def pages(source: Source, entity: str, fields: str = "") -> Iterator[Records]:
    """Give every record; where a list ends too early it is asked for again from its last date on."""
    seen: set[str] = set()
    since, cursor = "", ""
    while True:
        page = source.page(entity, since=since, cursor=cursor, fields=fields)
        before = len(seen)
        seen.update(str(item["id"]) for item in page.records)
        yield page.records
        last = max((str(item.get("created_date") or "") for item in page.records), default="")
        if page.cursor:
            cursor = page.cursor
        elif len(seen) < source.count(entity) and last > since and len(seen) > before:
            since, cursor = last, ""
        else:
            return
