"""COPY's text form: one row a line, fields between tabs, and every tab or line end inside a field escaped."""

import re
from collections.abc import Callable, Iterable, Iterator

from freehold.core.errors import SourceBroken

END_MARK = b"\\."
TAIL_BYTES = 16
_PART = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_COLUMNS = re.compile(
    rf"^COPY {_PART}(?:\.{_PART})?\s*(?:\((?P<columns>.*)\))?\s*FROM stdin;\s*$", re.IGNORECASE | re.DOTALL
)
_NAME = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^\s",()]+))\s*(?:,|$)')


def columns(statement: str) -> tuple[str, ...]:
    """Names in a COPY statement as pg_dump writes it, unquoted; () when it lists none. Raises SourceBroken."""
    match = _COLUMNS.match(statement)
    if match is None:
        raise SourceBroken("the dump has a COPY statement that cannot be read", detail=statement[:200])
    text, names, place = match["columns"] or "", [], 0
    while place < len(text):
        name = _NAME.match(text, place)
        if name is None:
            raise SourceBroken("the dump has a COPY statement that cannot be read", detail=statement[:200])
        names.append(name["quoted"].replace('""', '"') if name["quoted"] else name["plain"])
        place = name.end()
    return tuple(names)


def without_end_mark(pieces: Iterable[bytes], broken: Callable[[], SourceBroken]) -> Iterator[bytes]:
    r"""Pass everything before the line `\.`; what `broken` makes is raised when that line is not there.

    Nothing but a few line ends may follow it.
    """
    held, before = b"", b"\n"
    for piece in pieces:
        held += piece
        if len(held) > TAIL_BYTES:
            passed, held = held[:-TAIL_BYTES], held[-TAIL_BYTES:]
            before = passed[-1:]
            yield passed
    last = held.rstrip(b"\n")
    if not (before + last).endswith(b"\n" + END_MARK):
        raise broken()
    if rest := last[: -len(END_MARK)]:
        yield rest


def lines(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Whole lines without their ends, several at a time."""
    held: list[bytes] = []
    for piece in pieces:
        if b"\n" not in piece:
            held.append(piece)
            continue
        found = b"".join([*held, piece]).split(b"\n")
        held = [found.pop()]
        yield found
    if rest := b"".join(held):
        yield [rest]


def narrowed(pieces: Iterable[bytes], have: tuple[str, ...], want: tuple[str, ...]) -> Iterator[bytes]:
    """Keep only the wanted fields of every row; as it is when all are wanted. Raises SourceBroken."""
    if have == want:
        yield from pieces
        return
    places = [have.index(name) for name in want]
    for found in lines(pieces):
        yield b"".join(_picked(line, places, len(have)) for line in found)


def values(line: bytes) -> tuple[str | None, ...]:
    """The fields of one row as texts; None is SQL's NULL."""
    return tuple(None if field == b"\\N" else _unescaped(field) for field in line.split(b"\t"))


def _picked(line: bytes, places: list[int], count: int) -> bytes:
    fields = line.split(b"\t")
    if len(fields) != count:
        raise SourceBroken(
            "a row of the dump has another number of fields than its table",
            detail=f"{len(fields)} instead of {count}",
            hint="download the export again; it may have been changed on the way",
        )
    return b"\t".join([fields[place] for place in places]) + b"\n"


_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _unescaped(field: bytes) -> str:
    return re.sub(rb"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), field, flags=re.DOTALL).decode()
