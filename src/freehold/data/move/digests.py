"""Are the rows of two tables equal? Counted and hashed row by row at both ends, never sampled."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from psycopg import sql

from freehold.data.sources.copy_text import lines, values
from freehold.data.sources.live import LiveDatabase
from freehold.data.sources.toc import TEXT, Digest, Entry, Source
from freehold.kit import postgres

Row = dict[str, str | None]
HASH_BYTES = 8
MODULUS = 2**64
SHOWN = 20
LONGEST_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One table at both ends; `only_source` and `only_target` name some rows that the other has not, by their start."""

    name: str
    source: Digest
    target: Digest
    only_source: tuple[str, ...] = ()
    only_target: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Equal counts and equal sums."""
        return self.source == self.target


def compare(
    source: Source,
    entry: Entry,
    columns: Sequence[str],
    target: postgres.Connection,
    left_out: Callable[[Row], bool] | None = None,
) -> Compared:
    """Compare one table; where it differs, look for the rows. `left_out` names the source's rows that do not count."""
    name = f"{entry.schema}.{entry.name}"
    there = _Lines(source, entry, tuple(columns), left_out)
    if isinstance(source, LiveDatabase) and left_out is None:
        query = _query(entry, columns)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_ask, lambda: source.ask(query))
            here = _ask(lambda: target.execute(query).fetchall())
        found = Compared(name=name, source=asked.result(), target=here)
    else:
        here = _of_lines(_target_lines(target, entry, columns))
        found = Compared(name=name, source=_of_lines(there.read()), target=here)
    return found if found.is_equal else _with_rows(found, there, target)


@dataclass(frozen=True)
class _Lines:
    """The source's rows as text, without those that do not count."""

    source: Source
    entry: Entry
    columns: tuple[str, ...]
    left_out: Callable[[Row], bool] | None

    def read(self) -> Iterator[list[bytes]]:
        for part in self.source.parts(self.entry):
            for some in lines(self.source.rows(self.entry, part, self.columns, TEXT)):
                yield some if self.left_out is None else [line for line in some if not self._is_left_out(line)]

    def _is_left_out(self, line: bytes) -> bool:
        assert self.left_out is not None  # noqa: S101 - `read` has looked
        return self.left_out(dict(zip(self.columns, values(line), strict=True)))


def _query(entry: Entry, columns: Sequence[str]) -> sql.Composed:
    """The same text of a row at both ends, whatever order its columns have there."""
    chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
    hashed = sql.SQL('pg_catalog.hashtextextended((row({})::text) collate "C", 0)').format(chosen)
    statement = sql.SQL("select count(*), coalesce(sum({}), 0)::text from only {}")
    return statement.format(hashed, sql.Identifier(entry.schema, entry.name))


def _ask(act: Callable[[], list[tuple[object, ...]]]) -> Digest:
    rows, total = act()[0]
    return Digest(rows=int(str(rows)), total=int(str(total)) % MODULUS)


def _of_lines(found: Iterable[list[bytes]]) -> Digest:
    rows = total = 0
    for some in found:
        rows += len(some)
        total += sum(map(_hash, some))
    return Digest(rows=rows, total=total % MODULUS)


def _hash(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=HASH_BYTES).digest(), "big")


def _target_lines(target: postgres.Connection, entry: Entry, columns: Sequence[str]) -> Iterator[list[bytes]]:
    chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(entry.schema, entry.name)
    statement = sql.SQL("copy (select {} from only {}) to stdout").format(chosen, table)
    with target.cursor() as cursor, cursor.copy(statement) as copy:
        yield from lines(map(bytes, copy))


def _with_rows(found: Compared, there: _Lines, target: postgres.Connection) -> Compared:
    """Find the rows by their hashes: works without a key, and keeps eight bytes a row."""
    here: dict[int, int] = {}
    for some in _target_lines(target, there.entry, there.columns):
        for line in some:
            number = _hash(line)
            here[number] = here.get(number, 0) + 1
    only_source: list[str] = []
    for some in there.read():
        for line in some:
            number = _hash(line)
            if here.get(number):
                here[number] -= 1
            elif len(only_source) < SHOWN:
                only_source.append(_shown(line, there.columns))
    left = {number for number, count in here.items() if count}
    only_target = (
        _shown(line, there.columns)
        for some in _target_lines(target, there.entry, there.columns)
        for line in some
        if _hash(line) in left
    )
    return Compared(
        name=found.name,
        source=found.source,
        target=found.target,
        only_source=tuple(only_source),
        only_target=tuple(islice(only_target, SHOWN)),
    )


def _shown(line: bytes, columns: Sequence[str]) -> str:
    """A row by its first column, which is the key nearly always; whole rows may hold what nobody should read."""
    first = values(line)[0] if columns else ""
    return f"{columns[0] if columns else ''}={first}"[:LONGEST_SHOWN]
