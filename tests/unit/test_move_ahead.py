"""Reading ahead holds a few MiB, and one row where a row is larger."""

import threading
from collections.abc import Iterator

import pytest

from freehold.data.move import ahead

MIB = 1024 * 1024


@pytest.mark.parametrize(("size", "most"), [(MIB // 8, 50), (4 * MIB, 4), (64 * MIB, 3)])
def test_what_is_read_ahead_is_bounded_by_its_bytes(size: int, most: int) -> None:
    """Counted where the reader is told to go on: one piece is taken, one is held by the reader."""
    given = 0
    filled = threading.Event()

    def read() -> Iterator[bytes]:
        nonlocal given
        for _ in range(most + 3):
            given += 1
            if given >= 3:
                filled.set()
            yield bytes(size)

    pieces = ahead.ahead(read)
    assert len(next(pieces)) == size
    assert filled.wait(30)
    assert given <= most
    assert sum(len(piece) for piece in pieces) == (most + 2) * size


def test_an_error_of_the_reader_is_raised_after_what_it_had_given() -> None:
    def read() -> Iterator[bytes]:
        yield b"one"
        raise OSError("gone")

    pieces = ahead.ahead(read)
    assert next(pieces) == b"one"
    with pytest.raises(OSError, match="gone"):
        next(pieces)
