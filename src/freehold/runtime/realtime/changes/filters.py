"""Filters of a subscription, `column=operator.value`: read, and decided on a row's values in text form. Pure.

Values are compared as PostgreSQL would compare them: both sides are in the column type's own output form, so equality
is that of the texts, except for numbers. Texts are ordered by code point.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from freehold.runtime.realtime.changes.values import DECIMALS, INTEGERS

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct")
IN_LIMIT = 100
FILTER_LIMIT = 16_384
LIKE_STEPS = 100_000
_ORDERED = {"lt", "lte", "gt", "gte"}
_START = re.compile(rf'("(?:[^"]|"")+"|[^=,()]+)=(not\.)?({"|".join(OPERATORS)})\.')
_IS = {"null": "null", "true": "t", "false": "f", "unknown": "null", "not_null": "not_null"}
_ORDERABLE = INTEGERS | DECIMALS | {"text", "varchar", "bpchar", "name", "uuid", "bool", "date", "time", "timestamp"}
_ORDERABLE |= {"timestamptz", "citext"}


class BadFilter(Exception):
    """The filter cannot be used; the message says why, for the client."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `values` has one value but for `in`."""

    column: str
    operator: str
    values: tuple[str, ...]
    negated: bool = False
    type_name: str = "text"

    def typed(self, type_name: str, values: tuple[str, ...]) -> "Filter":
        """The same condition with the values in the type's own form; raises BadFilter where the type has no order."""
        if self.operator in _ORDERED and type_name not in _ORDERABLE:
            raise BadFilter(f"a column of type {type_name} cannot be filtered by {self.operator}")
        return replace(self, type_name=type_name, values=values)

    def needs_database(self, text: str | None) -> bool:
        """Whether only PostgreSQL decides it: regular expressions are its own, and long patterns may take long."""
        if self.operator in {"match", "imatch"}:
            return True
        return self.operator in {"like", "ilike"} and len(text or "") * len(self.values[0]) > LIKE_STEPS

    @property
    def lookup(self) -> str | None:
        """The text a row must hold in the column, where that alone decides."""
        if self.operator == "eq" and not self.negated and self.type_name not in DECIMALS:
            return self.values[0]
        return None

    def accepts(self, text: str | None) -> bool:
        """Decide on a value; as in SQL, NULL is neither equal to anything nor different, negated or not."""
        if self.operator == "is":
            wanted = self.values[0]
            found = text is not None if wanted == "not_null" else text is None if wanted == "null" else text == wanted
            return found != self.negated
        if self.operator == "isdistinct":
            return (text is None or not self._equal(text, self.values[0])) != self.negated
        if text is None:
            return False
        return self._compare(text) != self.negated

    def _compare(self, text: str) -> bool:
        first = self.values[0] if self.values else ""
        match self.operator:
            case "eq":
                return self._equal(text, first)
            case "neq":
                return not self._equal(text, first)
            case "in":
                return any(self._equal(text, value) for value in self.values)
            case "like":
                return is_like(text, first)
            case "ilike":
                return is_like(text.lower(), first.lower())
            case _:
                return self._ordered(text, first)

    def _equal(self, text: str, value: str) -> bool:
        if self.type_name in DECIMALS:
            return text == value or _number(text) == _number(value)
        return text == value

    def _ordered(self, text: str, value: str) -> bool:
        left, right = _key(text, self.type_name), _key(value, self.type_name)
        if self.operator == "lt":
            return left < right
        if self.operator == "lte":
            return left <= right
        return left > right if self.operator == "gt" else left >= right


def read(text: str) -> tuple[Filter, ...]:
    """Read a filter; a comma joins conditions that must all hold. Raises BadFilter."""
    if not text:
        return ()
    if len(text) > FILTER_LIMIT:
        raise BadFilter(f"a filter has at most {FILTER_LIMIT} letters")
    starts = [found for found in _START.finditer(text) if found.start() == 0 or text[found.start() - 1] == ","]
    if not starts or starts[0].start() != 0:
        raise BadFilter(f"not a filter of the form column=operator.value: {text[:100]}")
    ends = [found.start() - 1 for found in starts[1:]] + [len(text)]
    return tuple(_one(found, text[found.end() : end]) for found, end in zip(starts, ends, strict=True))


def _one(found: re.Match[str], value: str) -> Filter:
    column, negated, operator = found.group(1), bool(found.group(2)), found.group(3)
    if column.startswith('"'):
        column = column[1:-1].replace('""', '"')
    values: tuple[str, ...] = (value,)
    if operator == "in":
        values = _in_values(value)
    elif operator == "is":
        if value.lower() not in _IS:
            raise BadFilter(f"is takes null, true, false or unknown, not {value[:100]}")
        values = (_IS[value.lower()],)
    return Filter(column, operator, values, negated)


def _in_values(value: str) -> tuple[str, ...]:
    if not (value.startswith("(") and value.endswith(")")):
        raise BadFilter("in takes a list in parentheses")
    parts = re.findall(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:,|$)', value[1:-1])
    values = tuple(re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in parts)
    if values and values[-1] == "" and not value[1:-1].endswith(","):
        values = values[:-1]
    if not values or len(values) > IN_LIMIT:
        raise BadFilter(f"in takes 1 to {IN_LIMIT} values")
    return values


def is_like(text: str, pattern: str) -> bool:
    """SQL's LIKE in time that is the product of both lengths at most: clients choose the pattern."""
    parts = _like_parts(pattern)
    at = place = 0
    star, retry = -1, 0
    while at < len(text):
        if place < len(parts) and parts[place] is not None and parts[place] in ("", text[at]):
            at, place = at + 1, place + 1
        elif place < len(parts) and parts[place] is None:
            star, retry, place = place, at, place + 1
        elif star >= 0:
            retry += 1
            at, place = retry, star + 1
        else:
            return False
    return all(part is None for part in parts[place:])


def _like_parts(pattern: str) -> list[str | None]:
    """A letter to be matched, "" for any one, None for any number."""
    parts: list[str | None] = []
    letters = iter(pattern)
    for letter in letters:
        if letter == "\\":
            parts.append(next(letters, "\\"))
        else:
            parts.append(None if letter == "%" else "" if letter == "_" else letter)
    return parts


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _key(text: str, type_name: str) -> tuple[int, Decimal | str]:
    """Something that orders as the type does; infinite dates come first or last, NaN after all numbers."""
    if type_name in INTEGERS or type_name in DECIMALS:
        number = _number(text)
        return (1, "") if number.is_nan() else (0, number)
    if text in {"infinity", "-infinity"}:
        return (1 if text == "infinity" else -2, "")
    if text.endswith(" BC"):
        return (-1, "")
    return (0, text)
