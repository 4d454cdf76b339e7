"""Are the rows of two tables equal? Counted and hashed row by row at both ends, never sampled."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from psycopg import sql

from freehold.data.move import decisions
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
    there = _Lines(entry, tuple(columns), lambda: _source_lines(source, entry, tuple(columns), left_out))
    if isinstance(source, LiveDatabase) and left_out is None:
        query = _query(entry, columns)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_ask, lambda: source.ask(query))
            here = _ask(lambda: target.execute(query).fetchall())
        found = Compared(name=name, source=asked.result(), target=here)
    else:
        here = _of_lines(_target_lines(target, entry, columns))
        found = Compared(name=name, source=_of_lines(there.read()), target=here)
        if not found.is_equal and found.source.rows == found.target.rows:
            return _read_by_types(found, there, target)
    return found if found.is_equal else _with_rows(found, there, target)


def _read_by_types(found: Compared, there: "_Lines", target: postgres.Connection) -> Compared:
    """Let PostgreSQL read the source's texts by the table's types: another time zone or spelling is no difference."""
    table = sql.Identifier(there.entry.schema, there.entry.name)
    chosen = sql.SQL(", ").join(map(sql.Identifier, there.columns))
    with target.transaction(force_rollback=True), target.cursor() as cursor:
        as_owner = "select set_config('role', owner, true) from freehold.installation where %s"
        cursor.execute(as_owner, (not decisions.is_platform(there.entry.schema),))
        cursor.execute(
            sql.SQL("create temporary table freehold_compare on commit drop as select {} from only {} limit 0").format(
                chosen, table
            )
        )
        with cursor.copy("copy pg_temp.freehold_compare from stdin") as copy:
            for some in there.read():
                copy.write(b"".join(line + b"\n" for line in some))
        statement = sql.SQL("copy pg_temp.freehold_compare to stdout")
        spelled = _Lines(there.entry, there.columns, lambda: _copied(target, statement))
        source = _of_lines(spelled.read())
        again = Compared(name=found.name, source=source, target=found.target)
        return again if again.is_equal else _with_rows(again, spelled, target)


@dataclass(frozen=True)
class _Lines:
    """The source's rows as text; `read` begins anew each time."""

    entry: Entry
    columns: tuple[str, ...]
    read: Callable[[], Iterator[list[bytes]]]


def _source_lines(
    source: Source, entry: Entry, columns: tuple[str, ...], left_out: Callable[[Row], bool] | None
) -> Iterator[list[bytes]]:
    for part in source.parts(entry):
        for some in lines(source.rows(entry, part, columns, TEXT)):
            if left_out is None:
                yield some
            else:
                yield [line for line in some if not left_out(dict(zip(columns, values(line), strict=True)))]


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
    yield from _copied(target, statement)


def _copied(target: postgres.Connection, statement: sql.SQL | sql.Composed) -> Iterator[list[bytes]]:
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
