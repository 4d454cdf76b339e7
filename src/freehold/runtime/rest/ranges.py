"""Ranges of rows: the Range header, limit and offset, and what the answer says about them."""

import re
from typing import NamedTuple

_HEADER = re.compile(r"([0-9]{1,18})-([0-9]{0,18})\Z")
_INTEGER = re.compile(r"\s*(-?[0-9]{1,18})\s*\Z")


class Range(NamedTuple):
    """Rows from `lower` to `upper` inclusive, counted from 0; `upper` is None for no end."""

    lower: int
    upper: int | None

    @property
    def is_empty(self) -> bool:
        """Whether no row is in it."""
        return self.upper is not None and self.upper < self.lower

    @property
    def limit(self) -> int | None:
        """How many rows it holds."""
        return None if self.upper is None else self.upper - self.lower + 1


ALL = Range(0, None)
NONE = Range(0, -1)
"""What limit=0 asks for, the one empty range that is allowed."""


def of_header(text: str | None) -> Range:
    """Read `0-9` or `5-`; anything else is ignored, as PostgREST does."""
    match = _HEADER.match(text) if text else None
    if match is None:
        return ALL
    return Range(int(match[1]), int(match[2]) if match[2] else None)


def of_parameters(limits: dict[str, str], offsets: dict[str, str]) -> dict[str, Range]:
    """Combine limit and offset parameters by name (`limit`, `rel.limit`); what is no number is ignored."""
    ranges = {name: _of_limit(text) for name, text in limits.items()}
    for name, text in offsets.items():
        offset = _integer(text)
        start = ALL.lower if offset is None else offset
        if name in ranges:
            ranges[name] = Range(start, start + (ranges[name].limit or 0) - 1)
        else:
            ranges[name] = Range(start, None)
    return ranges


def intersect(one: Range, other: Range) -> Range:
    """Rows that are in both."""
    uppers = [upper for upper in (one.upper, other.upper) if upper is not None]
    return Range(max(one.lower, other.lower), min(uppers) if uppers else None)


def restrict(rows: Range, max_rows: int | None) -> Range:
    """Cap the number of rows; limit=0 stays as it is."""
    if rows.upper == NONE.upper:
        return NONE
    if max_rows is None or rows.is_empty:
        return rows
    return intersect(rows, Range(rows.lower, rows.lower + max_rows - 1))


def status_of(rows: Range, count: int, total: int | None) -> int:
    """200, 206 when there are more rows than `count`, 416 when the range starts beyond the last."""
    if total is None:
        return 200
    if rows.lower > total:
        return 416
    return 206 if count < total else 200


def content_range(lower: int, upper: int, total: int | None) -> bytes:
    """Write a Content-Range header; `upper` is inclusive."""
    rows = f"{lower}-{upper}" if total != 0 and lower <= upper else "*"
    return f"{rows}/{'*' if total is None else total}".encode()


def _of_limit(text: str) -> Range:
    limit = _integer(text)
    return ALL if limit is None else Range(0, limit - 1)


def _integer(text: str) -> int | None:
    match = _INTEGER.match(text)
    return int(match[1]) if match else None
