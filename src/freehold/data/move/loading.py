"""Load rows: each part in one transaction that also marks it, so that a part is there whole or not at all."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from freehold.core.errors import DatabaseUnavailable
from freehold.data.move import ledger
from freehold.data.move.ahead import ahead
from freehold.data.move.ledger import Item
from freehold.data.move.progress import Progress
from freehold.data.sources.toc import Entry, Part, Source
from freehold.kit import postgres

NOTE_LENGTH = 400


@dataclass(frozen=True, kw_only=True)
class Loader:
    """The source and both connections to the target."""

    source: Source
    admin: postgres.Connection
    app: postgres.Connection
    progress: Progress

    def load_all(self, entries: Sequence[Entry], items: dict[int, Item]) -> None:
        """Load every table that is not loaded; what PostgreSQL refuses is written down and the others go on."""
        for entry in entries:
            item = items[entry.number]
            if item.outcome in ("", "failed"):
                try:
                    with self.progress.table(f"{entry.schema}.{entry.name}", self.source.size(entry)):
                        self.load(entry, item)
                except psycopg.errors.DiskFull:
                    raise  # the next table would not fit either
                except psycopg.OperationalError as error:
                    self._check_alive(error)
                    self._refused(item, error)
                except psycopg.Error as error:
                    self._refused(item, error)

    def load(self, entry: Entry, item: Item) -> None:
        """Load the parts of one table that are missing."""
        columns = self._columns(entry)
        parts = ledger.plan_parts(self.admin, item.position, self.source.parts(entry))
        as_admin = "administrator" in item.way or item.way == "files"
        anew = not as_admin and len(parts) == 1 and not self._is_referenced(entry)
        for part, token, is_loaded in parts:
            if not is_loaded:
                self._load_part(entry, part, columns, token, as_admin=as_admin, anew=anew)
        ledger.settle(self.admin, item.position, "moved", self._left_out(entry, columns))

    def _load_part(  # noqa: PLR0913 - a part, and how it is loaded
        self, entry: Entry, part: Part, columns: tuple[str, ...], token: str, *, as_admin: bool, anew: bool
    ) -> None:
        """`anew` empties the table first: rows of a table that was emptied in the same transaction come frozen.

        Frozen rows need not be written a second time when an index or a reader first meets them.
        """
        connection = self.admin if as_admin else self.app
        form = self.source.form(entry, connection.info.server_version // 10_000)
        name = sql.Identifier(entry.schema, entry.name)
        chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
        listed = sql.SQL("({})").format(chosen) if columns else sql.SQL("")
        options = sql.SQL(form + (", freeze" if anew else ""))
        statement = sql.SQL("copy {} {} from stdin (format {})").format(name, listed, options)
        with connection.transaction(), connection.cursor() as cursor:
            if as_admin:
                cursor.execute("set local session_replication_role = replica")
            if anew:
                cursor.execute(sql.SQL("truncate only {}").format(name))
            with cursor.copy(statement) as copy, contextlib.closing(self._rows(entry, part, columns, form)) as pieces:
                for piece in pieces:
                    copy.write(piece)
                    self.progress.add(len(piece))
            rows = cursor.rowcount
            if as_admin:
                cursor.execute("set local session_replication_role = origin")
            cursor.execute("select freehold_gate.loaded(%s, %s)", (token, rows))

    def _is_referenced(self, entry: Entry) -> bool:
        row = self.admin.execute(
            "select exists (select from pg_catalog.pg_constraint where confrelid = to_regclass(%s))",
            (sql.Identifier(entry.schema, entry.name).as_string(self.admin),),
        ).fetchone()
        return row is None or bool(row[0])

    def _rows(self, entry: Entry, part: Part, columns: tuple[str, ...], form: str) -> Generator[bytes, None, None]:
        return ahead(lambda: self.source.rows(entry, part, columns, form))

    def _columns(self, entry: Entry) -> tuple[str, ...]:
        """The source's columns that the target has too; the others are counted in `_left_out`."""
        have = set(target_columns(self.admin, entry))
        return tuple(name for name in self.source.columns(entry) if name in have)

    def _left_out(self, entry: Entry, columns: tuple[str, ...]) -> str:
        missing = [name for name in self.source.columns(entry) if name not in columns]
        return f"without the columns {', '.join(missing)}, which Freehold's own table does not have" if missing else ""

    def _refused(self, item: Item, error: psycopg.Error) -> None:
        words = (error.diag.message_primary or str(error).strip()).splitlines()[0]
        where = f" ({error.diag.context.splitlines()[0]})" if error.diag.context else ""
        ledger.settle(self.admin, item.position, "failed", f"{words}{where}"[:NOTE_LENGTH])

    def _check_alive(self, error: psycopg.Error) -> None:
        if self.admin.closed or self.app.closed:
            raise DatabaseUnavailable(
                "the target's PostgreSQL went away during the move",
                detail=str(error).strip(),
                hint="start it and run the same command again: it goes on where it stopped",
            ) from None


@contextlib.contextmanager
def without_triggers(admin: postgres.Connection, app: postgres.Connection, owner: str) -> Iterator[None]:
    """Let the owner role load rows as a replica does: no trigger fires, and no foreign key asks for an order.

    The right to do so ends with the load; after a kill it ends with the next run.
    """
    name = sql.Identifier(owner)
    admin.execute(sql.SQL("grant set on parameter session_replication_role to {}").format(name))
    try:
        app.execute("set session_replication_role = replica")
        yield
    finally:
        if not app.closed:
            app.execute("set session_replication_role = origin")
        if not admin.closed:
            admin.execute(sql.SQL("revoke set on parameter session_replication_role from {}").format(name))


def target_columns(admin: postgres.Connection, entry: Entry) -> tuple[str, ...]:
    """Columns of the target's table that can be loaded."""
    rows = admin.execute(
        "select a.attname from pg_catalog.pg_attribute as a where a.attrelid = to_regclass(%s) and a.attnum > 0"
        " and not a.attisdropped and a.attgenerated = '' order by a.attnum",
        (sql.Identifier(entry.schema, entry.name).as_string(admin),),
    ).fetchall()
    return tuple(str(row[0]) for row in rows)
