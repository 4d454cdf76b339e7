"""Conditional and partial reads (RFC 9110, sections 13 and 14), and noticing that a client went away."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from starlette.types import Message, Receive

from freehold.runtime.storage import errors

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def not_modified(headers: Mapping[str, str], etag: str, changed_at: int) -> bool:
    """Whether the client has this content; If-None-Match wins over If-Modified-Since."""
    known = headers.get("if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or etag.removeprefix("W/") in tags
    since = _instant(headers.get("if-modified-since"))
    return since is not None and changed_at <= since


def wanted_range(headers: Mapping[str, str], etag: str, changed_at: int, size: int) -> tuple[int, int] | None:
    """Give start and length of the part that is wanted, None for the whole; raises InvalidRange (416)."""
    text = headers.get("range")
    if not text or not _may_continue(headers.get("if-range"), etag, changed_at):
        return None
    match = _RANGE.fullmatch(text)
    if match is None or size == 0 or match.groups() == ("", ""):
        raise errors.invalid_range()
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise errors.invalid_range()
        return size - length, length
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if start >= size or (last and int(last) < start):
        raise errors.invalid_range()
    return start, end - start + 1


def _may_continue(if_range: str | None, etag: str, changed_at: int) -> bool:
    """Whether what the client has of the object still fits, so that it may ask for the rest."""
    if if_range is None:
        return True
    since = _instant(if_range)
    return changed_at == since if since is not None else if_range.strip() == etag


def _instant(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


class Departure:
    """Watches `receive` for the client's going away while an answer is being sent."""

    def __init__(self, receive: Receive) -> None:
        """Nothing is read before the first question."""
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    async def happened(self) -> bool:
        """Say whether the client has gone; never waits."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        return self._task.done()

    async def forget(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await self._receive()
