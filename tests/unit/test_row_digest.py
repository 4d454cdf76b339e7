"""Rows hash alike, however the pieces are cut in which they come."""

import random

import pytest

from freehold.data.sources.copy_text import lines
from freehold.kit import row_digest

CONTENT = (
    b"".join(b"%d\t%s\n" % (number, b"x" * (number * 37 % 211)) for number in range(400))
    + b"\n\n"
    + b"y" * 5000
    + b"\n"
)


@pytest.mark.parametrize("content", [CONTENT, CONTENT[:-1], b"", b"\n", b"no end", b"\n\n\n"])
@pytest.mark.parametrize("largest", [1, 2, 7, 300, 4096, 10**6])
def test_however_the_pieces_are_cut(content: bytes, largest: int) -> None:
    chance, place, pieces = random.Random(f"{len(content)} {largest}"), 0, []
    while place < len(content):
        size = chance.randint(1, largest)
        pieces.append(content[place : place + size])
        place += size
    assert row_digest.of_pieces(pieces) == row_digest.of_lines(lines(iter(pieces)))
    assert row_digest.of_pieces(pieces)[0] == content.count(b"\n") + (content[-1:] not in (b"", b"\n"))
