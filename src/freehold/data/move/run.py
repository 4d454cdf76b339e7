"""The move itself, as a recipe: decide, make, load, finish, record. Killed anywhere, it goes on where it stopped."""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from freehold.core.errors import MoveFailed, MoveRefused
from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.plan import Report
from freehold.data.move import baseline, decisions, ledger
from freehold.data.move.carried import Carrier
from freehold.data.move.destination import Destination
from freehold.data.move.files import FileMover
from freehold.data.move.known import known_target
from freehold.data.move.ledger import Item
from freehold.data.move.loading import Loader, without_triggers
from freehold.data.move.making import Maker, restore_default_rights, suspend_default_rights
from freehold.data.move.progress import Progress
from freehold.data.sources.files import FileSource
from freehold.data.sources.toc import Entry, Source
from freehold.kit import postgres

SHOWN = 15
CARRIED = frozenset({"cron jobs", "vault names", "baseline", "count"})


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a run came to: how many objects had which outcome, and how many of the app's files the baseline covers."""

    outcomes: dict[str, int]
    covered_migrations: int
    resumed: bool


def move(
    source: Source,
    destination: Destination,
    migrations: Sequence[MigrationFile],
    report: Report,
    *,
    files: FileSource | None = None,
) -> Moved:
    """Bring everything over.

    `files` is where the bytes of uploaded files are; without it files are left, and counted.

    Raises MoveRefused before anything is changed, and MoveFailed when an object did not arrive; the rest is there, and
    the next run tries it again.
    """
    with ExitStack() as stack:
        stack.enter_context(told_when_full())
        admin, app = stack.enter_context(destination.admin()), stack.enter_context(destination.app())
        ledger.take_lock(admin)
        entries = tuple(entry for entry in source.entries() if entry.kind not in decisions.SETTINGS)
        resumed = _begin(admin, source, entries)
        _decide(admin, entries, destination)
        maker = Maker(admin=admin, app=app, owner=destination.owner)
        carrier = Carrier(source=source, admin=admin, owner=destination.owner)
        suspend_default_rights(admin, destination.owner)
        phases = _by_phase(entries)
        _said(report, "Make the source's tables, types and functions")
        maker.make_all(_made(phases[0], admin), ledger.items(admin), report)
        _said(report, "Copy the rows")
        rows, items = phases[1], ledger.items(admin)
        loaded = [entry for entry in rows if items[entry.number].way.startswith("rows")]
        pending = [entry for entry in loaded if items[entry.number].outcome in ("", "failed")]
        progress = Progress(report=report, tables=len(pending), size=sum(map(source.size, pending)))
        loader = Loader(source=source, admin=admin, app=app, progress=progress)
        with without_triggers(admin, app, destination.owner):
            loader.load_all(loaded, items)
        for entry in rows:
            if items[entry.number].way in CARRIED and items[entry.number].outcome in ("", "failed", "left"):
                carrier.carry(entry, items[entry.number])
        carrier.settings(source.settings())
        mover = FileMover(source=source, files=files, admin=admin, place=destination.files, report=report)
        for entry in rows:
            if items[entry.number].way == "files" and items[entry.number].outcome != "moved":
                mover.move(entry, items[entry.number], loader)
        for number, words in ((2, "Set the sequences"), (3, "Make indexes, keys, triggers and policies")):
            _said(report, words)
            maker.make_all(_made(phases[number], admin), ledger.items(admin), report)
        _said(report, "Give the rights")
        maker.make_all(_made(phases[4], admin), ledger.items(admin), report)
        maker.make_all(_made(phases[5], admin), ledger.items(admin), report)
        if not any(entry.kind == "DEFAULT ACL" and not decisions.is_platform(entry.schema) for entry in entries):
            restore_default_rights(admin, destination.owner)
        carrier.memberships(source.memberships())
        covered = _record(admin, migrations)
        return _finish(admin, covered, resumed=resumed)


@contextmanager
def told_when_full() -> Iterator[None]:
    """Name a full disk as such; raises MoveFailed."""
    again = "run the same command again: it goes on where it stopped"
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise MoveFailed(
            "the disk of the target's PostgreSQL is full",
            detail=error.diag.message_primary or str(error),
            hint=f"make room there, then {again}",
        ) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise MoveFailed(
            "the disk is full",
            detail=str(error.filename or "where uploaded files go, or temporary ones"),
            hint=f"make room, then {again}",
        ) from None


def _begin(admin: postgres.Connection, source: Source, entries: Sequence[Entry]) -> bool:
    resumed = ledger.begin(admin, source.identity, source.described)
    texts = sorted(
        f"{entry.kind} {entry.schema} {entry.name} {ledger.digest(entry)}"
        for entry in entries
        if entry.kind != "SEQUENCE SET"
    )
    shape = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    kept = ledger.setting(admin, "shape")
    if kept is not None and kept != shape:
        raise MoveRefused(
            "the schema at the source has changed since this move began",
            hint="move into an empty place: what is here is a mixture of both otherwise",
        )
    ledger.keep_setting(admin, "shape", shape)
    ledger.set_status(admin, "copying")
    return resumed


def _decide(admin: postgres.Connection, entries: Sequence[Entry], destination: Destination) -> None:
    target = known_target(admin, destination.owner)
    decided = [(entry, decisions.decide(entry, target)) for entry in entries]
    ledger.settle_all(admin, decided)


def _by_phase(entries: Sequence[Entry]) -> list[list[Entry]]:
    phases: list[list[Entry]] = [[] for _ in range(6)]
    for entry in entries:
        phases[decisions.phase(entry)].append(entry)
    return phases


def _made(entries: Sequence[Entry], admin: postgres.Connection) -> list[Entry]:
    items = ledger.items(admin)
    return [entry for entry in entries if items[entry.number].outcome in ("", "failed") and entry.definition]


def _record(admin: postgres.Connection, migrations: Sequence[MigrationFile]) -> int:
    kept = ledger.setting(admin, "source_migrations")
    source = [(str(item[0]), str(item[1])) for item in kept] if isinstance(kept, list) else None
    return baseline.write(admin, migrations, source)


def _finish(admin: postgres.Connection, covered: int, *, resumed: bool) -> Moved:
    items = ledger.items(admin)
    outcomes: dict[str, int] = {}
    for item in items.values():
        outcomes[item.outcome or "open"] = outcomes.get(item.outcome or "open", 0) + 1
    unsettled = [item for item in items.values() if item.outcome in ("", "failed")]
    if unsettled:
        raise _failed(unsettled, len(items))
    ledger.set_status(admin, "copied")
    return Moved(outcomes=outcomes, covered_migrations=covered, resumed=resumed)


def _failed(unsettled: Sequence[Item], total: int) -> MoveFailed:
    lines = [f"{item.shown}: {item.note or 'not made'}" for item in unsettled[:SHOWN]]
    more = [f"and {len(unsettled) - SHOWN} more"] if len(unsettled) > SHOWN else []
    return MoveFailed(
        f"{len(unsettled)} of {total} objects of the source did not arrive",
        detail="\n".join(lines + more),
        hint="mend the cause and run the same command again: what is there is not copied twice",
    )


def _said(report: Report, words: str) -> None:
    report(Event(name="step-started", text=words))
