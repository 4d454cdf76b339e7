"""A custom-format dump as a source."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from freehold.core.errors import SourceBroken
from freehold.data.sources import copy_text
from freehold.data.sources.custom import blocks, contents
from freehold.data.sources.custom.blocks import Block
from freehold.data.sources.custom.contents import Contents
from freehold.data.sources.custom.reading import Reader
from freehold.data.sources.toc import TEXT, Entry, Membership, Part, Setting

HASH_BYTES = 1024 * 1024


class Archive:
    """Opened and walked through once; rows are read from the file when they are asked for."""

    def __init__(  # noqa: PLR0913 - what was found while it was opened
        self, path: Path, found: Contents, places: dict[int, Block], identity: str, *, doubt: str, name: str
    ) -> None:
        """Use `open_file`."""
        self._name = name
        self.doubt = doubt
        self._path = path
        self._contents = found
        self._places = places
        self.identity = identity

    @classmethod
    def open_file(cls, path: Path, *, is_checked: bool = False, name: str = "") -> Self:
        """Read the contents and walk over all rows; `is_checked` when a checksum has covered every byte.

        `name` is what its owner calls it, where it was unpacked from something else. Raises SourceBroken.
        """
        with _reader(path) as reader:
            found = contents.read(reader)
            places = blocks.locate(reader, found)
            doubt = "" if is_checked else _doubt(reader, found, places)
        return cls(path, found, places, _identity(path), doubt=doubt, name=name or path.name)

    @property
    def described(self) -> str:
        """The file's name and what is known of it."""
        version, packed = self._contents.server_version or "?", self._contents.compression
        return f"{self._name} (pg_dump of PostgreSQL {version}, {packed})"

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the table of contents."""
        return self._contents.entries

    def settings(self) -> tuple[Setting, ...]:
        """A dump holds none."""
        return ()

    def memberships(self) -> tuple[Membership, ...]:
        """None: roles belong to a server."""
        return ()

    def columns(self, entry: Entry) -> tuple[str, ...]:
        """The columns that the entry's COPY statement names."""
        if not entry.copy:
            raise SourceBroken(
                f"the rows of {entry.schema}.{entry.name} are INSERT statements",
                hint="make the dump without --inserts, so that rows come as COPY",
            )
        return copy_text.columns(entry.copy)

    def form(self, _entry: Entry, _major: int) -> str:
        """A dump is text."""
        return TEXT

    def size(self, entry: Entry) -> int:
        """Its block, packed."""
        return self._places[entry.number].length if entry.number in self._places else 0

    def parts(self, _entry: Entry) -> tuple[Part, ...]:
        """A compressed stream cannot be begun in its middle."""
        return (Part(number=0),)

    def rows(self, entry: Entry, _part: Part, columns: tuple[str, ...], _form: str) -> Iterator[bytes]:
        """Give COPY's text; the end mark has been seen when the last piece comes."""
        if entry.number not in self._places:
            return
        with _reader(self._path, self._contents) as reader:
            pieces = blocks.unpacked(reader, self._places[entry.number].start, self._contents.compression)
            whole = copy_text.without_end_mark(pieces, lambda: reader.broken("the end mark of its rows is not there"))
            yield from copy_text.narrowed(whole, self.columns(entry), columns)


def _doubt(reader: Reader, found: Contents, places: dict[int, Block]) -> str:
    """No version of the format has a checksum for the definitions; rows have one where their compression has it."""
    bare = sum(not blocks.has_checksum(reader, place.start, found.compression) for place in places.values())
    if not bare:
        return "this archive carries checksums for its rows, and none for its definitions: those could not be checked"
    return (
        f"this archive carries no checksum ({found.compression}, as its pg_dump wrote it): its content could not be "
        "checked. That every table is there to its end was"
    )


@contextmanager
def _reader(path: Path, known: Contents | None = None) -> Iterator[Reader]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceBroken(f"{path} cannot be read", detail=error.strerror or "") from None
    with file:
        reader = Reader(file, path.name)
        if known is not None:
            file.seek(len(contents.MAGIC) + 3)
            reader.integer_bytes, reader.offset_bytes = reader.byte(), reader.byte()
        yield reader


def _identity(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(HASH_BYTES):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
