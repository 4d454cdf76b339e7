"""Copy tables anew that an earlier run had loaded from an earlier moment of a live source."""

from collections.abc import Sequence

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import decisions, ledger, verify
from freehold.data.move.destination import Destination
from freehold.data.move.files import FileMover, drop_exports
from freehold.data.move.loading import Loader, without_triggers
from freehold.data.move.progress import Progress
from freehold.data.sources.files import FileSource
from freehold.data.sources.toc import Entry, Source
from freehold.kit import postgres


def refresh(
    source: Source, destination: Destination, report: Report, files: FileSource | None = None
) -> tuple[str, ...]:
    """Bring every table that differs to the source's present moment; gives their names.

    Only right after a copy, before anybody works with the target: what was written there is taken away. Raises
    MoveRefused while another move into this database runs.
    """
    with destination.admin() as admin, destination.app() as app:
        ledger.take_lock(admin)
        items = ledger.items(admin)
        entries = [entry for entry in source.entries() if entry.kind not in decisions.SETTINGS]
        moved = [entry for entry in entries if items[entry.number].outcome == "moved"]
        compared = verify.compare_tables(source, moved, items, admin, report, destination.far)
        stale = {table.name for table in compared if not table.is_equal}
        chosen = [entry for entry in moved if entry.kind == "TABLE DATA" and f"{entry.schema}.{entry.name}" in stale]
        if chosen:
            report(Event(name="note", text=f"{len(chosen)} tables changed at the source since they were copied"))
            _load_anew(source, chosen, admin, app, destination, report)
            mover = FileMover(source=source, files=files, admin=admin, place=destination.files, report=report)
            _fetch_anew(mover, chosen, admin, app)
        return tuple(sorted(stale))


def _load_anew(  # noqa: PLR0913, PLR0917 - both ends
    source: Source,
    entries: Sequence[Entry],
    admin: postgres.Connection,
    app: postgres.Connection,
    destination: Destination,
    report: Report,
) -> None:
    for entry in entries:
        with admin.transaction():
            admin.execute("set local session_replication_role = replica")
            admin.execute(sql.SQL("delete from only {}").format(sql.Identifier(entry.schema, entry.name)))
            ledger.forget_parts(admin, entry.number)
    with without_triggers(admin, app, destination.owner):
        loader = Loader(
            source=source,
            admin=admin,
            app=app,
            progress=Progress(report=report, tables=len(entries), size=sum(map(source.size, entries))),
        )
        loader.load_all(
            [entry for entry in entries if entry.schema != "storage" or entry.name != "objects"], ledger.items(admin)
        )


def _fetch_anew(
    mover: FileMover, entries: Sequence[Entry], admin: postgres.Connection, app: postgres.Connection
) -> None:
    """Rows of files come with their bytes; those that are here are not fetched twice."""
    items = ledger.items(admin)
    drop_exports(admin)
    for entry in entries:
        if items[entry.number].way == "files":
            progress = Progress(report=mover.report, tables=1, size=0)
            loader = Loader(source=mover.source, admin=admin, app=app, progress=progress)
            mover.move(entry, items[entry.number], loader)
