"""Numbers and strings of the custom format, read with a limit on everything, so that damage is an error and no harm."""

import os
from typing import BinaryIO

from freehold.core.errors import SourceBroken

LONGEST_STRING = 256 * 1024 * 1024
"""A function, a view or a comment; PostgreSQL itself takes no statement above 1 GiB."""


class Reader:
    """Reads a file from its current place; every method raises SourceBroken at the file's end."""

    def __init__(self, file: BinaryIO, described: str) -> None:
        """The sizes of numbers are those of the header, read later."""
        self._file = file
        self._described = described
        self._size = os.fstat(file.fileno()).st_size
        self.integer_bytes = 4
        self.offset_bytes = 8

    @property
    def place(self) -> int:
        """The position in the file."""
        return self._file.tell()

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._size - self._file.tell()

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    def seek(self, place: int) -> None:
        """Go to a position."""
        self._file.seek(place)

    def bytes(self, count: int) -> bytes:
        """Read exactly so many bytes."""
        found = self._file.read(count)
        if len(found) != count:
            raise self.broken("it ends in the middle")
        return found

    def skip(self, count: int) -> None:
        """Pass over bytes that have to be there."""
        if count > self.left:
            raise self.broken("it ends in the middle")
        self._file.seek(count, os.SEEK_CUR)

    def byte(self) -> int:
        """Read one byte."""
        return self.bytes(1)[0]

    def integer(self) -> int:
        """Read a sign byte and a little-endian number."""
        raw = self.bytes(1 + self.integer_bytes)
        if raw[0] > 1:
            raise self.broken("a number has no sign")
        value = int.from_bytes(raw[1:], "little")
        return -value if raw[0] else value

    def string(self) -> str | None:
        """Read a string; None where the dump has none."""
        length = self.integer()
        if length < 0:
            return None
        if length > min(LONGEST_STRING, self.left):
            raise self.broken(f"a text of {length} bytes cannot be in it")
        raw = self.bytes(length)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.broken("a text is not UTF-8") from None

    def broken(self, why: str) -> SourceBroken:
        """Make the error that says where it is broken."""
        return SourceBroken(
            f"the dump {self._described} is damaged: {why}",
            detail=f"byte {self._file.tell()} of {self._size}",
            hint="download the export again and compare its size; nothing of it was taken for whole",
        )
