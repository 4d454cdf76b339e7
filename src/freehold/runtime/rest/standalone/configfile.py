"""PostgREST's configuration file: `key = value` lines; a value is a string in double quotes, a number or a flag."""

import re
from collections.abc import Iterator

from freehold.core.errors import BadUsage

_KEY = re.compile(r"\s*([A-Za-z][\w.-]*)\s*=\s*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_BARE = re.compile(r"[^\s#\"]+")
_REST = re.compile(r"[ \t]*(?:#.*)?$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_FLAGS = {"true": "true", "on": "true", "false": "false", "off": "false"}


def parse(text: str, origin: str) -> dict[str, str]:
    """Give every key's value as text; raises BadUsage that names the line. Of a key set twice the last value counts."""
    return dict(_pairs(text.removeprefix("\ufeff"), origin))


def _pairs(text: str, origin: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key = _KEY.match(line)
        value = None if key is None else _value(line, key.end())
        if key is None or value is None:
            # The line itself is not shown: it may hold a secret.
            raise BadUsage(
                f"line {number} of {origin} cannot be read",
                detail=f"the key is {key[1]}" if key else "",
                hint='A line is key = "text", key = 10 or key = true.',
            )
        yield key[1], value


def _value(line: str, start: int) -> str | None:
    quoted = _STRING.match(line, start)
    if quoted is not None:
        if not _REST.match(line, quoted.end()):
            return None
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), quoted[1])
    bare = _BARE.match(line, start)
    if bare is None or not _REST.match(line, bare.end()):
        return None
    word = bare[0]
    if word.lower() in _FLAGS:
        return _FLAGS[word.lower()]
    return word if re.fullmatch(r"-?\d+(?:\.\d+)?", word) else None
