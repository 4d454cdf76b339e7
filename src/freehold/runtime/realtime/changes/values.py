"""From PostgreSQL's text form of a value to the JSON that to_jsonb gives. Pure.

The text was written with DateStyle ISO, TimeZone UTC. Types that are not named here are texts in JSON too.
"""

import re
from collections.abc import Callable, Iterator

import orjson

INTEGERS = frozenset({"int2", "int4", "int8", "oid"})
DECIMALS = frozenset({"numeric", "float4", "float8"})
DOCUMENTS = frozenset({"json", "jsonb"})
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_TIMESTAMP = re.compile(r"(\d{4,})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:([+-]\d\d)(:\d\d)?)?")


def to_json(text: str | None, type_name: str, element: str = "") -> object:
    """Give a value that orjson writes as to_jsonb would; `element` is the element type's name of an array."""
    if text is None:
        return None
    if element:
        return _array(text, element)
    convert = _CONVERSIONS.get(type_name)
    return text if convert is None else convert(text)


def _timestamp(text: str) -> str:
    found = _TIMESTAMP.fullmatch(text)
    if found is None:  # infinity, or years before Christ
        return text.replace(" ", "T", 1) if " " in text and "BC" in text else text
    year, month, day, clock, hours, minutes = found.groups()
    zone = f"{hours}{minutes or ':00'}" if hours else ""
    return f"{year}-{month}-{day}T{clock}{zone}"


def _array(text: str, element: str) -> list[object]:
    """Read `{a,"b c",NULL,{...}}`, with bounds in front if they are unusual."""
    if text.startswith("["):
        text = text.partition("=")[2]
    tokens = _tokens(text, ";" if element == "box" else ",")
    next(tokens)
    return _list(tokens, element)


def _list(tokens: Iterator[tuple[str, str]], element: str) -> list[object]:
    values: list[object] = []
    for kind, token in tokens:
        if kind == "{":
            values.append(_list(tokens, element))
        elif kind == "}":
            break
        else:
            values.append(None if kind == "null" else to_json(token, element))
    return values


def _tokens(text: str, separator: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in "{}":
            yield letter, letter
            at += 1
        elif letter == separator:
            at += 1
        elif letter == '"':
            parts, at = [], at + 1
            while text[at] != '"':
                at += text[at] == "\\"
                parts.append(text[at])
                at += 1
            at += 1
            yield "value", "".join(parts)
        else:
            end = at
            while text[end] not in (separator, "}"):
                end += 1
            word = text[at:end]
            yield ("null" if word == "NULL" else "value"), word
            at = end


def _decimal(text: str) -> object:
    """A number as it is written, so that no digit is lost; NaN and infinities are texts."""
    return orjson.Fragment(text) if _NUMBER.fullmatch(text) else text


_CONVERSIONS: dict[str, Callable[[str], object]] = {
    "bool": lambda text: text == "t",
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(DECIMALS, _decimal),
    **dict.fromkeys(DOCUMENTS, orjson.Fragment),
}
