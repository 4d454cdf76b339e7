"""How many rows there are and what their hashes add up to: equal for equal rows, in whatever order they come."""

import hashlib
from collections.abc import Iterable, Iterator

HASH_BYTES = 8
MODULUS = 2**64
PIECE_BYTES = 1024 * 1024


def of_lines(found: Iterable[list[bytes]]) -> tuple[int, int]:
    """Count rows as lines without their ends, several at a time, and add their 64-bit hashes up."""
    rows = total = 0
    for some in found:
        rows += len(some)
        total += sum(map(of_line, some))
    return rows, total % MODULUS


def of_pieces(pieces: Iterable[bytes]) -> tuple[int, int]:
    """The same of whole or broken lines with their ends. A line of any length takes no more room than a piece."""
    rows = total = 0
    broken = None  # the hash of a line whose end is in a later piece
    for piece in _cut(pieces):
        first, *others = piece.split(b"\n")
        if broken is not None:
            broken.update(first)
            if not others:
                continue
            rows, total, broken = rows + 1, total + int.from_bytes(broken.digest(), "big"), None
        elif others:
            rows, total = rows + 1, total + of_line(first)
        else:
            others = [first]
        rest = others.pop()
        rows += len(others)
        total += sum(map(of_line, others))
        if rest:
            broken = hashlib.blake2b(rest, digest_size=HASH_BYTES)
    if broken is not None:
        rows, total = rows + 1, total + int.from_bytes(broken.digest(), "big")
    return rows, total % MODULUS


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """PostgreSQL gives a row as one piece, even of a GiB: taken apart whole it would stand there twice."""
    for piece in pieces:
        if len(piece) <= PIECE_BYTES:
            yield piece
        else:
            yield from (piece[start : start + PIECE_BYTES] for start in range(0, len(piece), PIECE_BYTES))


def of_line(line: bytes) -> int:
    """Hash one row."""
    return int.from_bytes(hashlib.blake2b(line, digest_size=HASH_BYTES).digest(), "big")
