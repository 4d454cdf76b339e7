"""A plain SQL dump as a source: read once from start to end, rows stay in the file until they are asked for."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from freehold.core.errors import SourceBroken
from freehold.data.sources import copy_text, statement_names
from freehold.data.sources.splitting import Splitter
from freehold.data.sources.toc import TEXT, Entry, Membership, Part, Setting

LONGEST_STATEMENT = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
_HEADER = re.compile(
    r"^-- (?:Data for )?Name: (?P<name>.*); Type: (?P<kind>[A-Z ]+); Schema: (?P<schema>.*); Owner: (?P<owner>.*?)"
    r"(?:; Tablespace: .*)?$"
)
_COPY = re.compile(r"^COPY .* FROM stdin$", re.IGNORECASE | re.DOTALL)
_FIRST, _LAST = "-- PostgreSQL database dump", "-- PostgreSQL database dump complete"
_BY_THEIR_WORDS = ("TABLE DATA", "SEQUENCE SET")
_SETTING = re.compile(
    r"^(SET|RESET|BEGIN|COMMIT|SELECT pg_catalog\.set_config)\b|^ALTER .* OWNER TO [^;]*$", re.IGNORECASE
)


@dataclass
class _Found:
    """What the pass over the file collects; `rows` maps entry numbers to the place and length of their rows."""

    entries: list[Entry] = field(default_factory=list)
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)
    header: re.Match[str] | None = None
    is_begun: bool = False
    """Whether pg_dump's first comment stands in it: then its last one has to be there too."""
    is_marked: bool = False

    def add(self, statement: str) -> Entry:
        """Name a statement by pg_dump's comment above it, else by its own words."""
        kind, schema, name, owner = statement_names.named(statement)
        if self.header is not None:
            owner = "" if self.header["owner"] == "-" else self.header["owner"]
            # Where rows go is said by the statement alone: a line end within a name is a space in a comment.
            if kind not in _BY_THEIR_WORDS:
                kind, name = self.header["kind"], self.header["name"]
                schema = "" if self.header["schema"] == "-" else self.header["schema"]
        copy = f"{statement};\n" if _COPY.match(statement) else ""
        if copy:
            kind = "TABLE DATA"
        entry = Entry(
            number=len(self.entries), kind=kind, schema=schema, name=name, owner=owner,
            definition="" if copy else f"{statement};\n", copy=copy,
        )  # fmt: skip
        self.entries.append(entry)
        return entry


class PlainDump:
    """What `pg_dump` or `supabase db dump` wrote as text."""

    def __init__(self, path: Path, found: _Found, identity: str, *, is_checked: bool, name: str) -> None:
        """Use `open_file`."""
        self._name = name
        self._path = path
        self._is_checked = is_checked
        self._found = found
        self.identity = identity

    @classmethod
    def open_file(cls, path: Path, *, is_checked: bool = False, name: str = "") -> Self:
        """Read all statements; `is_checked` when a checksum has covered every byte. Raises SourceBroken.

        `name` is what its owner calls it, where it was unpacked from something else.
        """
        try:
            with path.open("rb") as file:
                digest = _Hashing(file)
                found = _read(digest, name or path.name)
        except OSError as error:
            raise SourceBroken(f"{path} cannot be read", detail=error.strerror or "") from None
        if not found.entries:
            raise SourceBroken(f"{name or path.name} holds no SQL statement", hint="give a dump that pg_dump made")
        return cls(path, found, f"sha256:{digest.hexdigest()}", is_checked=is_checked, name=name or path.name)

    @property
    def described(self) -> str:
        """The file's name."""
        return f"{self._name} (SQL)"

    @property
    def doubt(self) -> str:
        """What a text without checksums leaves open; one in a zip or gzip was checked while it was unpacked."""
        if self._is_checked:
            return ""
        end = "" if self._found.is_marked else ", and no mark at its end: cut off between two statements it looks whole"
        return f"a plain SQL dump carries no checksum: its content could not be checked{end}"

    def entries(self) -> tuple[Entry, ...]:
        """Every statement but settings and owners."""
        return tuple(self._found.entries)

    def settings(self) -> tuple[Setting, ...]:
        """A dump holds none."""
        return ()

    def memberships(self) -> tuple[Membership, ...]:
        """None: roles belong to a server."""
        return ()

    def columns(self, entry: Entry) -> tuple[str, ...]:
        """The columns that the entry's COPY statement names."""
        return copy_text.columns(entry.copy)

    def form(self, _entry: Entry, _major: int) -> str:
        """A dump is text."""
        return TEXT

    def size(self, entry: Entry) -> int:
        """Its lines."""
        return self._found.rows[entry.number][1]

    def parts(self, _entry: Entry) -> tuple[Part, ...]:
        """One."""
        return (Part(number=0),)

    def rows(self, entry: Entry, _part: Part, columns: tuple[str, ...], _form: str) -> Iterator[bytes]:
        """Give COPY's text from the file."""
        place, length = self._found.rows[entry.number]
        with self._path.open("rb") as file:
            file.seek(place)
            yield from copy_text.narrowed(_pieces(file, length), self.columns(entry), columns)


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    left = length
    while left:
        piece = file.read(min(PIECE_BYTES, left))
        if not piece:
            raise SourceBroken("the dump was cut off while it was read")
        left -= len(piece)
        yield piece


class _Hashing:
    """Lines of a file with their places; hashes what it reads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.place = 0

    def line(self) -> bytes:
        line = self._file.readline(LONGEST_STATEMENT * 16)
        self._digest.update(line)
        self.place += len(line)
        return line

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _read(file: _Hashing, name: str) -> _Found:
    found, splitter = _Found(), Splitter()
    while line := file.line():
        text = _text(line, file)
        if splitter.is_empty() and text.startswith("--"):
            found.header = _HEADER.match(text.rstrip("\r\n")) or found.header
            found.is_begun |= text.startswith(_FIRST)
            found.is_marked |= text.startswith(_LAST)
            continue
        if splitter.is_empty() and text.startswith("\\"):
            continue  # psql's own \restrict and \connect
        for statement in splitter.feed(text):
            _take(found, statement, file)
        if splitter.length > LONGEST_STATEMENT:
            raise SourceBroken("the dump has a statement without an end", detail=splitter.start)
    if not splitter.is_empty() and not found.entries:
        raise SourceBroken(
            f"{name} holds no SQL statement",
            detail=splitter.start,
            hint="give the export as you downloaded it: a .zip, .dump, .backup or .sql",
        )
    if not splitter.is_empty():
        raise SourceBroken(
            "the dump ends in the middle of a statement",
            detail=splitter.start,
            hint="download it again and compare its size; nothing of it was taken for whole",
        )
    if found.is_begun and not found.is_marked:
        raise SourceBroken(
            "the dump was cut off: what pg_dump writes at its end is not there",
            detail=f"looked for {_LAST!r}",
            hint="download it again and compare its size; nothing of it was taken for whole",
        )
    return found


def _text(line: bytes, file: _Hashing) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise SourceBroken("the dump is not UTF-8", detail=f"byte {file.place - len(line)}") from None


def _take(found: _Found, statement: str, file: _Hashing) -> None:
    if _SETTING.match(statement):
        return
    if statement[:6].upper() == "INSERT":
        raise SourceBroken(
            "the rows of this dump are INSERT statements",
            detail=statement[:120],
            hint="make it with COPY: pg_dump without --inserts, or supabase db dump --use-copy",
        )
    entry = found.add(statement)
    if entry.copy:
        found.rows[entry.number] = _pass_rows(file, entry)


def _pass_rows(file: _Hashing, entry: Entry) -> tuple[int, int]:
    start = file.place
    while line := file.line():
        if line.rstrip(b"\r\n") == copy_text.END_MARK:
            return start, file.place - len(line) - start
    raise SourceBroken(f"the dump ends within the rows of {entry.schema}.{entry.name}")
