"""Why a text does not fit, and how that is said: PostgREST's own words."""

from collections.abc import Generator, Sequence
from typing import NamedTuple

TAB_WIDTH = 8
UNEXPECTED_INPUT, UNEXPECTED, EXPECTED = 0, 1, 2

Note = tuple[int, str]


class Trouble(NamedTuple):
    """What stands against going on at a position."""

    position: int
    notes: tuple[Note, ...]


def found(text: str, position: int) -> tuple[Note, ...]:
    """Say what stands at a position instead of what was wanted."""
    return ((UNEXPECTED_INPUT, quote(text[position]) if position < len(text) else ""),)


def quote(text: str) -> str:
    """Write a text as it stands in a message."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def merge(one: Trouble, other: Trouble) -> Trouble:
    """Keep the trouble that is further on; both where they are equally far."""
    if not other.notes and one.notes:
        return one
    if not one.notes and other.notes:
        return other
    if one.position == other.position:
        return Trouble(one.position, one.notes + other.notes)
    return one if one.position > other.position else other


def place(text: str, position: int) -> tuple[int, int]:
    """Give line and column of a position, both from 1."""
    line, column = 1, 1
    for character in text[:position]:
        if character == "\n":
            line, column = line + 1, 1
        elif character == "\t":
            column += TAB_WIDTH - (column - 1) % TAB_WIDTH
        else:
            column += 1
    return line, column


def describe(notes: Sequence[Note]) -> str:
    """Write what was found and what was expected."""
    if not notes:
        return "unknown parse error"
    found = [text for kind, text in notes if kind == UNEXPECTED_INPUT]
    surprises = _distinct(text for kind, text in notes if kind == UNEXPECTED)
    hopes = _distinct(text for kind, text in notes if kind == EXPECTED)
    parts = []
    if not surprises and found:
        parts.append("unexpected " + (found[0] or "end of input"))
    if surprises:
        parts.append("unexpected " + _either(surprises))
    if hopes:
        parts.append("expecting " + _either(hopes))
    return " ".join(dict.fromkeys(parts))


def _distinct(texts: "Generator[str, None, None]") -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]


def _either(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " or " + texts[-1]
