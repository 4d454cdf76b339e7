"""What a body holds: its keys, and its form as the JSON that PostgreSQL takes apart."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from freehold.runtime.rest import errors, media
from freehold.runtime.rest.media import MediaType
from freehold.runtime.rest.query.types import QueryParams

WHITESPACE = b" \t\n\r"


class Payload(NamedTuple):
    """A body. `arguments` is set when a function's arguments came as a form."""

    raw: bytes
    keys: frozenset[str] = frozenset()
    is_object: bool = False
    arguments: tuple[tuple[str, str], ...] | None = None


EMPTY = Payload(b"")
Reader = Callable[[bytes], Payload]
"""Reads a body; raises ApiError."""


def read(body: bytes, content_type: MediaType, query: QueryParams, *, is_call: bool, uses_columns: bool) -> Payload:
    """Read a body; raises ApiError PGRST102. With `columns=` its rows need not have the same keys."""
    kind = content_type.name
    if kind == media.JSON:
        if uses_columns and query.columns is not None:
            return _payload(body, query.columns)
        return _json(body, is_call=is_call)
    if kind == media.CSV:
        return _csv(body)
    if kind == media.URLENCODED:
        pairs = tuple(_form(body))
        if is_call:
            return Payload(b"", frozenset(name for name, _ in pairs), arguments=pairs)
        return _payload(orjson.dumps(dict(pairs)), frozenset(name for name, _ in pairs))
    if is_call and kind in (media.TEXT, media.XML, media.OCTETS):
        return _payload(body, frozenset())
    raise errors.bad_body(f"Content-Type not acceptable: {media.as_written(content_type)}")


def _payload(raw: bytes, keys: frozenset[str]) -> Payload:
    return Payload(raw, keys, raw.lstrip(WHITESPACE)[:1] == b"{")


def _json(body: bytes, *, is_call: bool) -> Payload:
    if not body and is_call:
        return Payload(body)
    try:
        value = orjson.loads(body)
    except ValueError as error:
        raise errors.bad_body("Empty or invalid json") from error
    if isinstance(value, dict):
        return _payload(body, frozenset(value))
    if not isinstance(value, list) or not value:
        # Whatever is no object and no list counts as an empty list.
        return Payload(b"[]")
    return _payload(body, _same_keys(value, "All object keys must match"))


def _same_keys(rows: list[Any], complaint: str) -> frozenset[str]:
    first = rows[0]
    if not isinstance(first, dict):
        raise errors.bad_body(complaint)
    keys = first.keys()
    if not all(isinstance(row, dict) and row.keys() == keys for row in rows):
        raise errors.bad_body(complaint)
    return frozenset(keys)


def _csv(body: bytes) -> Payload:
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode(), newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise errors.bad_body(f"Invalid CSV: {error}") from error
    if not lines:
        raise errors.bad_body("Invalid CSV: there is no header")
    header, *rows = lines
    if any(len(row) != len(header) for row in rows):
        raise errors.bad_body("All lines must have same number of fields")
    values = [{name: None if cell == "NULL" else cell for name, cell in zip(header, row, strict=True)} for row in rows]
    return Payload(orjson.dumps(values), frozenset(header) if rows else frozenset())


def _form(body: bytes) -> Iterable[tuple[str, str]]:
    for part in body.replace(b";", b"&").split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield _text(name), _text(value)


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise errors.bad_body("The form is not valid UTF-8") from error
