"""Tables that code declares with drizzle: the schema as written, which the database need not match."""

import re
from collections.abc import Iterator

from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import RecordField, RecordKind

_TABLE = re.compile(r"""\bpgTable(?:Creator)?\s*\(\s*["'`](\w+)["'`]\s*,\s*(?=\{|\()""")
_COLUMN = re.compile(r"""(\w+)\s*:\s*(\w+)\s*\(\s*(?:["'`](\w+)["'`])?""")
_OPEN, _CLOSE = "([{", ")]}"


def tables(checkout: Checkout) -> tuple[RecordKind, ...]:
    """List the tables by name, each with its columns and where it is declared."""
    found: dict[str, RecordKind] = {}
    for path in checkout.below("", suffixes=CODE_SUFFIXES):
        raw = checkout.text(path)
        if "pgTable" in raw:
            for table in _tables(path, without_comments(raw)):
                found.setdefault(table.name, table)
    return tuple(found[name] for name in sorted(found))


def _tables(path: str, text: str) -> Iterator[RecordKind]:
    """Read the declarations of a file one after the other; what stands inside one is no declaration."""
    index = lines(text)
    end = 0
    for match in _TABLE.finditer(text):
        start = text.find("{", match.end())
        if match.start() >= end and start >= 0:
            parts, end = _parts(text, start)
            yield RecordKind(
                name=match[1], kind="table", fields=_columns(parts), places=(index.place(path, match.start()),)
            )


def _columns(parts: list[str]) -> tuple[RecordField, ...]:
    found = []
    for part in parts:
        match = _COLUMN.match(part.strip())
        if match:
            required = ".notNull(" in part or ".primaryKey(" in part
            kind = f"array of {match[2]}" if ".array(" in part else match[2]
            found.append(RecordField(name=match[3] or match[1], type=kind, required=required))
    return tuple(found)


def _parts(text: str, start: int) -> tuple[list[str], int]:
    """Split the object literal that opens at `start` at the commas of its own level, and give its end."""
    parts: list[str] = []
    depth, begin = 0, start + 1
    quote = ""
    for offset in range(start, len(text)):
        sign = text[offset]
        if quote:
            quote = "" if sign == quote and text[offset - 1] != "\\" else quote
        elif sign in "\"'`":
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if depth == 0:
                return [*parts, text[begin:offset]], offset
        elif sign == "," and depth == 1:
            parts.append(text[begin:offset])
            begin = offset + 1
    return parts, len(text)
