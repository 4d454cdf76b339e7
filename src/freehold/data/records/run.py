"""The move of an app's users, records and files, as a recipe. Killed anywhere, it goes on where it stopped."""

from collections.abc import Sequence

from psycopg import sql

from freehold.core.errors import MoveFailed, MoveRefused
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import ledger
from freehold.data.move.destination import Destination
from freehold.data.move.run import told_when_full
from freehold.data.records.copy import Moved, move_entity
from freehold.data.records.files import FileMover, MovedFiles
from freehold.data.records.links import HOSTS
from freehold.data.records.pages import Source
from freehold.data.records.people import NAME, move_people
from freehold.kit import postgres
from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity, read_entity

ENTITY, USERS, USER, FILE = "ENTITY", "USERS", "USER", "FILE"
"""Kinds of lines in the ledger."""
_OF_THE_APP = "of the app"


def begin(source: Source, destination: Destination) -> None:
    """Take the target for this source; raises MoveRefused when something else lies there."""
    with destination.admin() as admin:
        if ledger.status(admin) is None:
            _refuse_records(admin)
        ledger.begin(admin, source.identity, source.described)
        ledger.set_status(admin, "copying")


def move(source: Source, destination: Destination, report: Report, hosts: Sequence[str] = HOSTS) -> None:
    """Bring everything over; each user list, entity and file has its line in the ledger.

    `hosts` are the builder's, where uploaded files are. Raises MoveFailed when something did not arrive; the rest is
    there, and the next run tries it again.
    """
    with told_when_full(), destination.admin() as admin, destination.app() as app:
        ledger.take_lock(admin)
        _bring_people(admin, source, report)
        entities = known_entities(app)
        for entity in entities:
            _bring_entity(admin, app, source, entity, report)
        named = [entity.name for entity in entities]
        for name in source.names - {NAME.lower(), *(name.lower() for name in named)}:
            ledger.add(admin, ENTITY, name, "left", "the source has records of it, and the app no such entity")
        mover = FileMover(admin=admin, place=destination.files, entities=named, report=report, hosts=hosts)
        _write_down_files(admin, mover.move())
        _finish(admin)


def known_entities(connection: postgres.Connection) -> list[Entity]:
    """Every entity that has a table of its own here."""
    rows = connection.execute("select name, schema, kinds, inferred from base44.entity order by name").fetchall()
    return [
        read_entity(str(name), schema, kinds=kinds, inferred=inferred)
        for name, schema, kinds, inferred in rows
        if str(name).lower() != NAME.lower()
    ]


def _refuse_records(admin: postgres.Connection) -> None:
    for entity in known_entities(admin):
        query = sql.SQL("select count(*) from {}").format(sql.Identifier(names.SCHEMA, entity.name))
        row = admin.execute(query).fetchone()
        if row is not None and row[0]:
            raise MoveRefused(
                "the target is not empty, and what is there did not come from this source",
                detail=f"{row[0]} records of {entity.name}",
                hint="move into a place that was not used yet: --data NEW_FOLDER, or another database",
            )


def _bring_people(admin: postgres.Connection, source: Source, report: Report) -> None:
    report(Event(name="step-started", text="Bring the users"))
    ledger.add(admin, USERS, _OF_THE_APP, "failed", "not all of them are here")
    lost, nameless = move_people(admin, source)
    for identity in nameless:
        ledger.add(admin, USER, identity, "left", "it has no address, so nobody could sign in as it")
    note = f"{len(lost)} did not arrive" if lost else "no password came along: each signs in by a link first"
    ledger.add(admin, USERS, _OF_THE_APP, "failed" if lost else "moved", note)


def _bring_entity(
    admin: postgres.Connection, app: postgres.Connection, source: Source, entity: Entity, report: Report
) -> None:
    report(Event(name="step-started", text=f"Bring {entity.name}"))
    ledger.add(admin, ENTITY, entity.name, "failed", "not all of its records are here")
    moved = move_entity(app, source, entity, report)
    ledger.add(admin, ENTITY, entity.name, "moved" if moved.equal else "failed", _note(moved))


def _note(moved: Moved) -> str:
    notes = []
    if not moved.equal:
        notes.append(f"{len(moved.missing)} records are at the source only, {len(moved.extra)} here only")
    if moved.loose:
        notes.append(f"records hold other types than the schema says: {', '.join(moved.loose)} take any value here")
    return "; ".join(notes)


def _write_down_files(admin: postgres.Connection, files: MovedFiles) -> None:
    ledger.forget(admin, FILE)
    for address, why in files.gone.items():
        ledger.add(admin, FILE, address, "left", f"the builder has it no more, and its link stays: {why}")
    for address, why in files.failed.items():
        ledger.add(admin, FILE, address, "failed", why)


def _finish(admin: postgres.Connection) -> None:
    failed = [item for item in ledger.items(admin).values() if item.outcome in ("", "failed")]
    if not failed:
        ledger.set_status(admin, "copied")
        return
    lines = [f"{item.shown}: {item.note}" for item in failed[:15]]
    more = [f"and {len(failed) - 15} more"] if len(failed) > 15 else []  # noqa: PLR2004 - as many as were named
    raise MoveFailed(
        f"{len(failed)} things did not arrive",
        detail="\n".join(lines + more),
        hint="run the same command again: what is there is not fetched twice",
    )
