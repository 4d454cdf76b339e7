"""The head and the table of contents of a custom-format dump, as pg_backup_archiver.c writes them."""

from dataclasses import dataclass

from freehold.core.errors import SourceBroken
from freehold.data.sources.custom.reading import Reader
from freehold.data.sources.toc import Entry

MAGIC = b"PGDMP"
CUSTOM = 1
OLDEST, NEWEST = (1, 12), (1, 16)
COMPRESSIONS = ("none", "gzip", "lz4", "zstd")
SMALLEST_ENTRY_BYTES = 60
LARGEST_INTEGER_BYTES = 8
POSITION_FLAGS = (1, 2, 3)
"""Position not set, set, no data."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What stands before the rows. `compression` is none, gzip, lz4 or zstd; `rows_at` is where the rows begin."""

    version: tuple[int, int]
    compression: str
    server_version: str
    entries: tuple[Entry, ...]
    with_rows: frozenset[int]
    """Numbers of the entries that have a block of data."""
    dump_ids: dict[int, int]
    """pg_dump's own id of each entry to the entry's number."""
    rows_at: int


def read(reader: Reader) -> Contents:
    """Read up to the first row; raises SourceBroken."""
    version = _version(reader)
    reader.integer_bytes, reader.offset_bytes = reader.byte(), reader.byte()
    if not (1 <= reader.integer_bytes <= LARGEST_INTEGER_BYTES and 1 <= reader.offset_bytes <= LARGEST_INTEGER_BYTES):
        raise reader.broken("its numbers have an impossible size")
    if reader.byte() != CUSTOM:
        raise SourceBroken("this dump is in pg_dump's tar or directory format", hint="make it with pg_dump -Fc")
    compression = _compression(reader, version)
    for _ in range(7):  # second, minute, hour, day, month, year, summer time
        reader.integer()
    reader.string()
    server, _dumper = reader.string() or "", reader.string()
    return _contents(reader, version, compression, server)


def _version(reader: Reader) -> tuple[int, int]:
    if reader.left < len(MAGIC) or reader.bytes(len(MAGIC)) != MAGIC:
        raise reader.broken("it does not begin as a dump of PostgreSQL")
    version = (reader.byte(), reader.byte())
    reader.byte()
    if not OLDEST <= version <= NEWEST:
        raise SourceBroken(
            f"this dump has format version {version[0]}.{version[1]}; 1.12 to 1.16 can be read",
            hint="make it with pg_dump of PostgreSQL 11 to 18",
        )
    return version


def _compression(reader: Reader, version: tuple[int, int]) -> str:
    if version < (1, 15):
        return "gzip" if reader.integer() else "none"
    number = reader.byte()
    if number >= len(COMPRESSIONS):
        raise reader.broken(f"compression {number} does not exist")
    return COMPRESSIONS[number]


def _contents(reader: Reader, version: tuple[int, int], compression: str, server: str) -> Contents:
    count = reader.integer()
    if not 0 <= count <= reader.left // SMALLEST_ENTRY_BYTES + 1:
        raise reader.broken(f"it cannot hold {count} objects")
    entries: list[Entry] = []
    with_rows: set[int] = set()
    ids: dict[int, int] = {}
    for number in range(count):
        dump_id, has_rows, entry = _entry(reader, version, number)
        if dump_id <= 0 or dump_id in ids:
            raise reader.broken(f"object {number + 1} has the id {dump_id}")
        ids[dump_id] = number
        entries.append(entry)
        if has_rows:
            with_rows.add(number)
    return Contents(
        version=version,
        compression=compression,
        server_version=server,
        entries=tuple(entries),
        with_rows=frozenset(with_rows),
        dump_ids=ids,
        rows_at=reader.place,
    )


def _entry(reader: Reader, version: tuple[int, int], number: int) -> tuple[int, bool, Entry]:
    dump_id, dumper = reader.integer(), reader.integer()
    reader.string()
    reader.string()
    name, kind = reader.string() or "", reader.string() or ""
    reader.integer()  # section
    definition, _drop, copy = reader.string() or "", reader.string(), reader.string() or ""
    schema, _tablespace = reader.string() or "", reader.string()
    if version >= (1, 14):
        reader.string()  # access method
    if version >= (1, 16):
        reader.integer()  # relkind
    owner = reader.string() or ""
    if reader.string() == "true":
        raise reader.broken(f"table {schema}.{name} has OIDs, which PostgreSQL 12 took away")
    while reader.string() is not None:
        pass  # dependencies: the order of the entries says as much
    flag = reader.byte()
    reader.bytes(reader.offset_bytes)
    if flag not in POSITION_FLAGS:
        raise reader.broken(f"object {number + 1} has no position")
    found = Entry(number=number, kind=kind, schema=schema, name=name, owner=owner, definition=definition, copy=copy)
    return dump_id, bool(dumper) and flag != POSITION_FLAGS[2], found
