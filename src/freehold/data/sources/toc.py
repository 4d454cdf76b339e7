"""What a source is to the rest of the move: entries in the order in which they can be made, and their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

BINARY = "binary"
TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One object as pg_dump names it. `kind` is pg_dump's word: TABLE, POLICY, TABLE DATA, FK CONSTRAINT and so on."""

    number: int
    """Its place in the source's order, unique."""
    kind: str
    schema: str
    """"" for what has none, such as a schema or an extension."""
    name: str
    """pg_dump's tag: for a part of a table the table's name comes first, for a function its arguments follow."""
    owner: str
    definition: str
    copy: str = ""
    """The COPY statement of a TABLE DATA entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of one table's rows that is loaded in one transaction. `low` and `high` are blocks of a live table."""

    number: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """How many rows, and the sum of their 64-bit hashes modulo 2^64: equal for equal rows in whatever order."""

    rows: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A setting of a role, or of the database where `role` is ""."""

    role: str
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """`member` may do what `role` may."""

    role: str
    member: str


class Source(Protocol):
    """A database to be moved. Everything it gives is of one moment; nothing in it is changed."""

    @property
    def described(self) -> str:
        """What it is, for people: never a password."""

    @property
    def identity(self) -> str:
        """Tells one source from another, and stays the same when it is opened again."""

    @property
    def doubt(self) -> str:
        """Which of its bytes no checksum covers, as a sentence for people; "" when there is nothing to doubt."""

    def entries(self) -> tuple[Entry, ...]:
        """Every object, in an order in which they can be made."""

    def settings(self) -> tuple[Setting, ...]:
        """Settings of roles and of the database; () where the source does not hold them, as a dump."""

    def memberships(self) -> tuple[Membership, ...]:
        """Which roles were given to which others; () where the source does not hold them, as a dump."""

    def columns(self, entry: Entry) -> tuple[str, ...]:
        """Names of the columns that the rows of a TABLE DATA entry have, in the rows' order."""

    def size(self, entry: Entry) -> int:
        """About how many bytes the rows of a TABLE DATA entry take at the source, packed or not."""

    def parts(self, entry: Entry) -> tuple[Part, ...]:
        """How the rows of a TABLE DATA entry are cut; one part at least."""

    def rows(self, entry: Entry, part: Part, columns: tuple[str, ...], form: str) -> Iterator[bytes]:
        """Give what COPY FROM wants for these columns, in pieces of whole or broken rows.

        `form` is text, or what `form` said. Raises SourceBroken
        or DatabaseUnavailable.
        """

    def form(self, entry: Entry, major: int) -> str:
        """The best form in which a PostgreSQL of this major version can take the entry's rows."""
