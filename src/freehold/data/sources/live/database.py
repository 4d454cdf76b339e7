"""A live database as a source: definitions by pg_dump, rows by COPY, both of the same exported snapshot."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.data.sources.custom import Archive
from freehold.data.sources.live import catalogue
from freehold.data.sources.live.catalogue import Relation
from freehold.data.sources.live.reaching import connected
from freehold.data.sources.toc import BINARY, TEXT, Entry, Membership, Part, Setting
from freehold.kit import postgres
from freehold.kit.postgres_dump import dump_definitions

TABLES_A_LOCK = 200
PIECE_BYTES = 128 * 1024
BLOCK_BYTES = 8192
BLOCKS_A_PART = 16_384
"""128 MiB with PostgreSQL's usual page of 8 KiB."""
TID_RANGES_SINCE = 140_000


class LiveDatabase:
    """Opened by `open_live`; everything it gives is of the snapshot that its connection holds."""

    def __init__(self, connection: postgres.Connection, described: str, archive: Archive) -> None:
        """`connection` is in a repeatable read transaction."""
        self._connection = connection
        self.described = described
        self.relations = {(item.schema, item.name): item for item in catalogue.relations(connection)}
        self._entries = (*archive.entries(), *self._rows_of(len(archive.entries())))
        self.identity = _identity(connection)
        self.major = connection.info.server_version // 10_000

    @property
    def doubt(self) -> str:
        """Nothing: the connection has checksums, and every row is asked for again when it is compared."""
        return ""

    def entries(self) -> tuple[Entry, ...]:
        """Definitions, then rows and values of sequences."""
        return self._entries

    def settings(self) -> tuple[Setting, ...]:
        """What ALTER ROLE and ALTER DATABASE have set; for this database alone counts before for all."""
        rows = self._connection.execute(
            "select distinct on (1, 2)"
            "       coalesce(r.rolname, ''), split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)"
            "  from pg_db_role_setting as s left join pg_roles as r on r.oid = s.setrole, unnest(s.setconfig) as entry"
            " where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))"
            " order by 1, 2, s.setdatabase = 0"
        ).fetchall()
        return tuple(Setting(role=str(row[0]), name=str(row[1]), value=str(row[2])) for row in rows)

    def memberships(self) -> tuple[Membership, ...]:
        """Of every role but PostgreSQL's own."""
        rows = self._connection.execute(
            "select r.rolname, m.rolname from pg_auth_members as a join pg_roles as r on r.oid = a.roleid"
            "  join pg_roles as m on m.oid = a.member where r.rolname !~ '^pg_' and not m.rolsuper group by 1, 2"
            " order by 1, 2"
        ).fetchall()
        return tuple(Membership(role=str(row[0]), member=str(row[1])) for row in rows)

    def columns(self, entry: Entry) -> tuple[str, ...]:
        """All but generated columns."""
        return self._relation(entry).columns

    def form(self, entry: Entry, major: int) -> str:
        """Binary where the majors and the types allow."""
        return BINARY if major == self.major and self._relation(entry).has_plain_types else TEXT

    def size(self, entry: Entry) -> int:
        """Its blocks, without what is kept apart."""
        return self._relation(entry).blocks * BLOCK_BYTES

    def parts(self, entry: Entry) -> tuple[Part, ...]:
        """Ranges of blocks; a PostgreSQL before 14 would read the whole table for each."""
        blocks = self._relation(entry).blocks
        if blocks <= BLOCKS_A_PART or self._connection.info.server_version < TID_RANGES_SINCE:
            return (Part(number=0),)
        starts = range(0, blocks, BLOCKS_A_PART)
        last = len(starts) - 1
        return tuple(
            Part(number=number, low=start, high=None if number == last else start + BLOCKS_A_PART)
            for number, start in enumerate(starts)
        )

    def rows(self, entry: Entry, part: Part, columns: tuple[str, ...], form: str) -> Iterator[bytes]:
        """Give what COPY TO gives, in the snapshot. Raises DatabaseUnavailable when the source goes away."""
        statement = sql.SQL("copy ({}) to stdout (format {})").format(
            self._query(entry, part, columns), sql.SQL("binary" if form == BINARY else "text")
        )
        # The savepoint keeps the snapshot when the target refuses a row in the middle.
        with (
            _reached(self.described),
            self._connection.transaction(),
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            yield from _joined(copy)

    def is_database_of(self, other: postgres.Connection) -> bool:
        """Whether a connection leads to this very database, by whatever address."""
        return _database_of(self._connection) == _database_of(other)

    def ask(self, statement: sql.Composed | sql.SQL) -> list[tuple[object, ...]]:
        """Run a query in the snapshot. It takes no parameters: a name in it may hold a percent sign."""
        with _reached(self.described):
            return self._connection.execute(statement).fetchall()

    def _relation(self, entry: Entry) -> Relation:
        return self.relations[entry.schema, entry.name]

    def _query(self, entry: Entry, part: Part, columns: tuple[str, ...]) -> sql.Composed:
        chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("select {} from only {}").format(chosen, sql.Identifier(entry.schema, entry.name))
        bounds = [
            sql.SQL("ctid {} {}").format(sql.SQL(sign), sql.Literal(f"({block},0)"))
            for sign, block in ((">=", part.low), ("<", part.high))
            if block is not None
        ]
        return query + sql.SQL(" where ") + sql.SQL(" and ").join(bounds) if bounds else query

    def _rows_of(self, number: int) -> Iterator[Entry]:
        for place, item in enumerate(self.relations.values(), number):
            kinds = {"r": "TABLE DATA", "S": "SEQUENCE SET", "m": "MATERIALIZED VIEW DATA"}
            if not item.is_readable or (item.kind == "m" and not item.is_populated):
                continue
            yield Entry(
                number=place,
                kind=kinds[item.kind],
                schema=item.schema,
                name=item.name,
                owner=item.owner,
                definition=self._definition(item),
                copy="COPY" if item.kind == "r" else "",
            )

    def _definition(self, item: Relation) -> str:
        name = sql.Identifier(item.schema, item.name)
        if item.kind == "m":
            return sql.SQL("REFRESH MATERIALIZED VIEW {}").format(name).as_string(self._connection)
        if item.kind == "r":
            return ""
        row = self._connection.execute(sql.SQL("select last_value, is_called from {}").format(name)).fetchone()
        last, called = row if row is not None else (1, False)
        quoted = name.as_string(self._connection)
        statement = sql.SQL("SELECT pg_catalog.setval({}, {}, {})")
        return statement.format(sql.Literal(quoted), sql.Literal(last), sql.Literal(called)).as_string(self._connection)


@contextlib.contextmanager
def open_live(dsn: Secret, platform: frozenset[str], needed: frozenset[str]) -> Iterator[LiveDatabase]:
    """Connect and hold one snapshot; nothing at the source is changed.

    `platform` are the schemas of the old platform, `needed` those of them whose rows are copied. Raises SourceBlind
    when the role does not see everything, DatabaseUnavailable.
    """
    with connected(dsn) as connection:
        _begin(connection)
        found = catalogue.relations(connection)
        catalogue.check_sight(found, platform, needed, connection.info.user)
        row = connection.execute("select pg_export_snapshot()").fetchone()
        with tempfile.TemporaryDirectory(prefix="freehold-move-") as folder:
            path = Path(folder, "definitions.dump")
            left_out = catalogue.unreadable_schemas(found, platform)
            dump_definitions(dsn, path, snapshot=str(row[0]) if row else "", without_schemas=left_out)
            archive = Archive.open_file(path)
            yield LiveDatabase(connection, f"PostgreSQL at {postgres.describe(dsn)}", archive)


def _begin(connection: postgres.Connection) -> None:
    """Lock every table against being rewritten, then take the snapshot.

    A table that is rewritten after the snapshot would look empty in it.
    """
    tables = [
        sql.Identifier(item.schema, item.name)
        for item in catalogue.relations(connection)
        if item.kind == "r" and item.is_readable
    ]
    connection.execute("begin transaction isolation level repeatable read, read only")
    for start in range(0, len(tables), TABLES_A_LOCK):
        some = sql.SQL(", ").join(tables[start : start + TABLES_A_LOCK])
        connection.execute(sql.SQL("lock table only {} in access share mode").format(some))


def _joined(rows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """PostgreSQL sends each row by itself; larger pieces cost less on the way."""
    held: list[bytes | bytearray | memoryview] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(row)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _database_of(connection: postgres.Connection) -> tuple[object, ...] | None:
    """A server by the moment of its start, in microseconds, and the database by its number there."""
    return connection.execute(
        "select extract(epoch from pg_postmaster_start_time()), oid from pg_database where datname = current_database()"
    ).fetchone()


def _identity(connection: postgres.Connection) -> str:
    """The database's name and age: a copy elsewhere has another one."""
    row = connection.execute("select datname, oid from pg_database where datname = current_database()").fetchone()
    host = f"{connection.info.host}:{connection.info.port}"
    return f"live:{host}/{row[0]}/{row[1]}" if row else f"live:{host}"


@contextlib.contextmanager
def _reached(described: str) -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"the connection to {described} broke off",
            detail=str(error).strip(),
            hint="run the same command again: what is there already is not copied twice",
        ) from None
