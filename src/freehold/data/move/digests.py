"""Are the rows of two tables equal? Counted and hashed row by row at both ends, never sampled."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from psycopg import sql

from freehold.data.move import decisions
from freehold.data.sources.copy_text import lines, values
from freehold.data.sources.live import LiveDatabase
from freehold.data.sources.toc import TEXT, Digest, Entry, Source
from freehold.kit import postgres, row_digest

Row = dict[str, str | None]
Far = Callable[[str], tuple[int, int]]
"""Count and sum of the rows that a COPY statement gives, as kit/row_digest.py makes them."""
FAR_BYTES = 1024 * 1024
"""A smaller table comes over sooner than a program starts there."""
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


def compare(  # noqa: PLR0913, PLR0917 - both ends, and how they are asked
    source: Source,
    entry: Entry,
    columns: Sequence[str],
    target: postgres.Connection,
    left_out: Callable[[Row], bool] | None = None,
    far: Far | None = None,
) -> Compared:
    """Compare one table; where it differs, look for the rows. `left_out` names the source's rows that do not count.

    `far` hashes the target's rows where they are.
    """
    name = f"{entry.schema}.{entry.name}"
    there = _Lines(entry, tuple(columns), lambda: _source_lines(source, entry, tuple(columns), left_out))
    if isinstance(source, LiveDatabase) and left_out is None:
        query = _query(entry, columns)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_ask, lambda: source.ask(query))
            here = _ask(lambda: target.execute(query).fetchall())
        found = Compared(name=name, source=asked.result(), target=here)
    else:
        here = _here(target, entry, columns, far)
        rows = _of_lines(there.read()) if left_out else _of_pieces(_source_pieces(source, entry, tuple(columns)))
        found = Compared(name=name, source=rows, target=here)
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
    for some in lines(_source_pieces(source, entry, columns)):
        if left_out is None:
            yield some
        else:
            yield [line for line in some if not left_out(dict(zip(columns, values(line), strict=True)))]


def _source_pieces(source: Source, entry: Entry, columns: tuple[str, ...]) -> Iterator[bytes]:
    for part in source.parts(entry):
        yield from source.rows(entry, part, columns, TEXT)


def _query(entry: Entry, columns: Sequence[str]) -> sql.Composed:
    """The same text of a row at both ends, whatever order its columns have there."""
    chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
    hashed = sql.SQL('pg_catalog.hashtextextended((row({})::text) collate "C", 0)').format(chosen)
    statement = sql.SQL("select count(*), coalesce(sum({}), 0)::text from only {}")
    return statement.format(hashed, sql.Identifier(entry.schema, entry.name))


def _ask(act: Callable[[], list[tuple[object, ...]]]) -> Digest:
    rows, total = act()[0]
    return Digest(rows=int(str(rows)), total=int(str(total)) % row_digest.MODULUS)


def _of_lines(found: Iterable[list[bytes]]) -> Digest:
    rows, total = row_digest.of_lines(found)
    return Digest(rows=rows, total=total)


def _of_pieces(found: Iterable[bytes]) -> Digest:
    rows, total = row_digest.of_pieces(found)
    return Digest(rows=rows, total=total)


def _here(target: postgres.Connection, entry: Entry, columns: Sequence[str], far: Far | None) -> Digest:
    if far is None or _bytes_of(target, entry) < FAR_BYTES:
        return _of_pieces(_copied_pieces(target, _target_statement(entry, columns)))
    rows, total = far(_target_statement(entry, columns).as_string(target))
    return Digest(rows=rows, total=total)


def _bytes_of(target: postgres.Connection, entry: Entry) -> int:
    name = sql.Identifier(entry.schema, entry.name).as_string(target)
    row = target.execute("select pg_catalog.pg_table_size(%s::regclass)", (name,)).fetchone()
    return int(str(row[0])) if row else 0


def _target_lines(target: postgres.Connection, entry: Entry, columns: Sequence[str]) -> Iterator[list[bytes]]:
    yield from _copied(target, _target_statement(entry, columns))


def _target_statement(entry: Entry, columns: Sequence[str]) -> sql.Composed:
    chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(entry.schema, entry.name)
    return sql.SQL("copy (select {} from only {}) to stdout").format(chosen, table)


def _copied(target: postgres.Connection, statement: sql.SQL | sql.Composed) -> Iterator[list[bytes]]:
    yield from lines(_copied_pieces(target, statement))


def _copied_pieces(target: postgres.Connection, statement: sql.SQL | sql.Composed) -> Iterator[bytes]:
    with target.cursor() as cursor, cursor.copy(statement) as copy:
        yield from map(bytes, copy)


def _with_rows(found: Compared, there: _Lines, target: postgres.Connection) -> Compared:
    """Find the rows by their hashes: works without a key, and keeps eight bytes a row."""
    here: dict[int, int] = {}
    for some in _target_lines(target, there.entry, there.columns):
        for line in some:
            number = row_digest.of_line(line)
            here[number] = here.get(number, 0) + 1
    only_source: list[str] = []
    for some in there.read():
        for line in some:
            number = row_digest.of_line(line)
            if here.get(number):
                here[number] -= 1
            elif len(only_source) < SHOWN:
                only_source.append(_shown(line, there.columns))
    left = {number for number, count in here.items() if count}
    only_target = (
        _shown(line, there.columns)
        for some in _target_lines(target, there.entry, there.columns)
        for line in some
        if row_digest.of_line(line) in left
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
