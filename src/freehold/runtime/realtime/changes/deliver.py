"""From changes to what each channel is told: filters, then rights, then the payload of those columns it may read."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from freehold.runtime.database import DatabaseError, Pool, Statement
from freehold.runtime.realtime.changes import catalog, values, visible
from freehold.runtime.realtime.changes.bindings import Binding, Index
from freehold.runtime.realtime.changes.catalog import Column, Table
from freehold.runtime.realtime.changes.filters import Filter
from freehold.runtime.realtime.changes.pgoutput import Change, Tuple
from freehold.runtime.realtime.changes.visible import Identity, Question

NO_KEY = "Error 400: Bad Request, no primary key"
UNAUTHORIZED = "Error 401: Unauthorized"
TOO_LARGE = "Error 413: Payload Too Large"
BAD_PATTERN = "The pattern of a filter cannot be used, or takes too long"
PATTERN_TIMEOUT = b"100ms"
PATTERNS_SECONDS = 0.5
"""For all patterns of a batch."""
_PATTERNS = {
    "match": "select $1::text ~ $2::text",
    "imatch": "select $1::text ~* $2::text",
    "like": "select $1::text like $2::text",
    "ilike": "select $1::text ilike $2::text",
}


class Listener(Protocol):
    """A channel that asked for changes."""

    @property
    def identity(self) -> Identity:
        """Whose rights decide."""

    @property
    def is_closed(self) -> bool:
        """Whether it hears nothing any more."""

    def end(self, reason: str) -> None:
        """Tell why, and close it."""

    def tell_change(self, ids: list[int], data: bytes) -> None:
        """Send it a change; `data` is JSON."""


@dataclass(slots=True)
class _Match:
    change: Change
    place: int
    table: Table
    listener: Listener
    binding: Binding


async def deliver(pool: Pool, index: Index[Listener], changes: Sequence[Change]) -> None:
    """Tell every channel what it asked for and may see, in the order of the changes.

    Rights are those of the moment after the change, read anew for each call. A deletion in a table with row security
    is told with its primary key only, to everybody who may read that key, as nothing is left to ask a policy about.
    """
    found = [(place, change, index.candidates(change)) for place, change in enumerate(changes)]
    found = [item for item in found if item[2]]
    if not found:
        return
    roles = {listener.identity[0] for _, _, entries in found for listener, _ in entries}
    tables = await catalog.tables(pool, {change.oid for _, change, _ in found}, roles)
    matches = [
        _Match(change, place, tables[change.oid], listener, binding)
        for place, change, entries in found
        if change.oid in tables
        for listener, binding in entries
        if _passes(change, tables[change.oid], listener, binding)
    ]
    # Patterns may take long, so they hold up only those who use them, and not for long.
    plain = [match for match in matches if not _patterns(match)]
    await _tell_visible(pool, plain)
    if len(plain) < len(matches):
        patterned = [match for match in matches if _patterns(match)]
        await _tell_visible(pool, await _matching_patterns(pool, patterned))


async def _tell_visible(pool: Pool, matches: list[_Match]) -> None:
    seen = await visible.visible(pool, _questions(matches))
    _tell([match for match in matches if not _is_asked(match) or (match.listener.identity, match.place) in seen])


def _passes(change: Change, table: Table, listener: Listener, binding: Binding) -> bool:
    """Decide what Python can. A column that the role may not read decides nothing, so it lets nothing through."""
    allowed = table.selectable.get(listener.identity[0], frozenset())
    if not allowed:
        return False
    row = change.old if change.kind == "DELETE" else change.new
    return all(
        condition.column in allowed
        and condition.column in row
        and (condition.needs_database(row[condition.column]) or condition.accepts(row[condition.column]))
        for condition in binding.filters
    )


def _patterns(match: _Match) -> list[tuple[str | None, Filter]]:
    """The conditions that PostgreSQL must decide, with the values they are about."""
    row = match.change.old if match.change.kind == "DELETE" else match.change.new
    pairs = ((row[condition.column], condition) for condition in match.binding.filters)
    return [(text, condition) for text, condition in pairs if condition.needs_database(text)]


async def _matching_patterns(pool: Pool, matches: list[_Match]) -> list[_Match]:
    """Let PostgreSQL decide; a channel whose pattern is none, or takes too long, is ended."""
    deadline = time.monotonic() + PATTERNS_SECONDS
    fitting = []
    for match in matches:
        if match.listener.is_closed:
            continue
        if time.monotonic() > deadline:
            match.listener.end(BAD_PATTERN)
            continue
        try:
            if all([await _fits(pool, text, condition) for text, condition in _patterns(match)]):
                fitting.append(match)
        except DatabaseError:
            match.listener.end(BAD_PATTERN)
    return fitting


async def _fits(pool: Pool, text: str | None, condition: Filter) -> bool:
    if text is None:
        return False
    timeout: Statement = ("select set_config('statement_timeout', $1, true)", (PATTERN_TIMEOUT,))
    values_of = (text.encode(), condition.values[0].encode())
    results = await pool.run([timeout, (_PATTERNS[condition.operator], values_of)])
    return (results[1].one()[0] == b"t") != condition.negated


def _is_asked(match: _Match) -> bool:
    """Whether a policy decides: not on deletions, not where there is none, not where an error is all that is told."""
    return match.table.has_row_security and match.change.kind != "DELETE" and not _error(match)


def _error(match: _Match) -> str:
    if match.change.kind == "DELETE":
        return ""
    keys = match.table.keys
    if not keys:
        return NO_KEY
    allowed = match.table.selectable[match.listener.identity[0]]
    return "" if all(key.name in allowed for key in keys) else UNAUTHORIZED


def _questions(matches: Iterable[_Match]) -> list[Question]:
    rows: dict[tuple[Identity, int], dict[int, Tuple]] = {}
    tables: dict[int, Table] = {}
    for match in matches:
        if _is_asked(match):
            tables[match.table.oid] = match.table
            rows.setdefault((match.listener.identity, match.table.oid), {})[match.place] = match.change.new
    return [
        Question(identity, tables[oid], tuple(sorted(found.items(), key=lambda item: item[0])))
        for (identity, oid), found in rows.items()
    ]


def _tell(matches: Iterable[_Match]) -> None:
    """One message for each change and channel, however many of its bindings it fits."""
    told: dict[tuple[int, int], list[_Match]] = {}
    for match in matches:
        told.setdefault((match.place, id(match.listener)), []).append(match)
    written: dict[tuple[int, frozenset[str], tuple[str, ...], str], bytes] = {}
    for same in told.values():
        by_columns: dict[tuple[str, ...], list[_Match]] = {}
        for match in same:
            by_columns.setdefault(match.binding.columns, []).append(match)
        for columns, group in by_columns.items():
            first = group[0]
            allowed = first.table.selectable[first.listener.identity[0]]
            key = (first.place, allowed, columns, _error(first))
            if key not in written:
                written[key] = payload(first.change, first.table, allowed, columns, key[3])
            first.listener.tell_change([match.binding.id for match in group], written[key])


def payload(change: Change, table: Table, allowed: frozenset[str], only: tuple[str, ...], error: str) -> bytes:
    """Write `data` of an event as JSON, with the columns that may be read."""
    data: dict[str, Any] = {
        "schema": change.schema,
        "table": change.table,
        "type": change.kind,
        "commit_timestamp": _timestamp(change.at_ms),
    }
    if error:
        return orjson.dumps(data | {"columns": [], "record": {}, "errors": [error]})
    columns = [
        column
        for column in table.columns
        if column.name in allowed and (not only or column.name in only or column.is_key)
    ]
    data["columns"] = [{"name": column.name, "type": column.type_name} for column in columns]
    if change.kind != "DELETE":
        data["record"] = _record(change.new, columns)
    if change.kind == "UPDATE":
        data["old_record"] = _record(change.old, columns)
    elif change.kind == "DELETE":
        told = [column for column in columns if column.is_key] if table.has_row_security else columns
        data["old_record"] = _record(change.old, told)
    data["errors"] = [TOO_LARGE] if change.too_large else None
    return orjson.dumps(data)


def _record(row: Tuple, columns: Iterable[Column]) -> dict[str, Any]:
    return {
        column.name: values.to_json(row[column.name], column.base, column.element)
        for column in columns
        if column.name in row
    }


def _timestamp(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
