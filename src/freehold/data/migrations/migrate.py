"""Apply the app's migrations in order, strictly: a file is there whole or not at all, and the first refusal ends it."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from freehold.core.errors import DatabaseUnavailable, MigrationChanged
from freehold.core.event import Event
from freehold.core.inventory import MigrationFile
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data import closing
from freehold.data.closing import Closing
from freehold.data.migrations import concurrent, ledger, patience, refusal, restore, window
from freehold.data.migrations.consent import Consent
from freehold.data.migrations.decisions import Database
from freehold.data.migrations.ledger import Entry
from freehold.data.migrations.segments import FilePlan, Planned, Segment, plan_file
from freehold.kit import postgres

OWNER_OPTIONS = "-c statement_timeout=30min -c idle_in_transaction_session_timeout=10min -c client_min_messages=warning"
"""Generous: a migration may rewrite a table."""
ALONE_OPTIONS = "-c lock_timeout=30s"
"""What runs outside a transaction waits for others without holding the app up."""


@dataclass(frozen=True, kw_only=True)
class MigrationReport:
    """What a run found and did; all paths. `revision` names the schema's state, "" while no file ever ran."""

    revision: str
    applied: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    """Ran here after the baseline, but no longer among the files: reported, never taken back."""
    older: tuple[str, ...] = ()
    """Older than the database's baseline and not in the ledger: reported, never run."""
    replaced: tuple[str, ...] = ()
    """What the platform does instead of a statement, as `path:line: reason`."""
    position: int = 0
    """The newest place in the ledger that is taken."""
    restore_point: str = ""
    """The name under which PostgreSQL's log of changes can be read up to the moment before; "" where none was made."""


def migrate(
    files: Sequence[MigrationFile],
    *,
    owner_dsn: Secret,
    admin_dsn: Secret,
    report: Report,
    consent: Consent | None = None,
) -> MigrationReport:
    """Run what the ledger lacks, as the owner role; the administrator only prepares and records.

    Each file commits together with its record, so a run that is killed can be repeated. Two runs at once take turns.
    A table that others hold is waited for in short turns, so that the app is not held up.
    Raises MigrationFailed with the database as before the refused transaction; MigrationChanged, and with `consent`
    NotAccepted, before anything is run; DatabaseUnavailable.
    """
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        ledger.lock(admin)
        known = ledger.read(admin)
        pending, older = _pending(files, known)
        closings = window.judge(pending, ledger.existing(admin)) if pending else {}
        if consent is not None:
            consent.insist(closings)
        point = restore.point(admin) if pending and consent is not None else ""
        run = _Run(admin, owner_dsn, ledger.describe(admin), known, closings, consent)
        replaced: list[str] = []
        for file in pending:
            replaced += run.apply(file, report)
        ledger.finish(admin)
        outcome = MigrationReport(
            position=ledger.position(admin),
            restore_point=point,
            revision=_revision(ledger.read(admin)),
            applied=tuple(file.path for file in pending),
            skipped=tuple(file.path for file in files if file not in pending and file.path not in older),
            vanished=_vanished(files, known),
            older=older,
            replaced=tuple(replaced),
        )
    _warn(outcome, report)
    return outcome


def look(files: Sequence[MigrationFile], admin_dsn: Secret) -> dict[str, tuple[Closing, ...]]:
    """Say what `migrate` would run, in order, and what each file closes; changes nothing. Raises MigrationChanged."""
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        pending, _ = _pending(files, ledger.read(admin))
        return window.judge(pending, ledger.existing(admin))


def position(admin_dsn: Secret) -> int:
    """Give the ledger's newest place; changes of entities take places, too."""
    with postgres.connect(admin_dsn) as admin:
        return ledger.position(admin)


def closed_since(admin_dsn: Secret, after: int) -> closing.Window:
    """Give the ledger's newest place, and what the files after the place `after` have closed."""
    with postgres.connect(admin_dsn) as admin:
        admin.execute("set search_path = pg_catalog, pg_temp")
        row = admin.execute(closing.since(after)).fetchone()
    return closing.read(str(row[0])) if row else closing.Window(position=0)


def _pending(files: Sequence[MigrationFile], known: dict[str, Entry]) -> tuple[list[MigrationFile], tuple[str, ...]]:
    settled = {path: entry for path, entry in known.items() if entry.status in {"applied", "baseline"}}
    changed = [file.path for file in files if _is_changed(file, settled)]
    if changed:
        raise MigrationChanged(
            f"{changed[0]} ran here with another content",
            detail="\n".join(changed),
            hint="put the old content back and write the change as a new migration",
        )
    baseline = max((entry.version for entry in known.values() if entry.status == "baseline"), default="")
    new = [file for file in files if file.path not in settled]
    older = tuple(file.path for file in new if baseline and file.version <= baseline)
    return [file for file in new if file.path not in older], older


def _vanished(files: Sequence[MigrationFile], known: dict[str, Entry]) -> tuple[str, ...]:
    """A baseline holds files on purpose that only git's history has."""
    ran = {path for path, entry in known.items() if entry.status != "baseline"}
    return tuple(sorted(ran - {file.path for file in files}))


def _is_changed(file: MigrationFile, settled: dict[str, Entry]) -> bool:
    entry = settled.get(file.path)
    return entry is not None and entry.sha256 != ledger.content_hash(file)


@dataclass(frozen=True)
class _Run:
    admin: postgres.Connection
    owner_dsn: Secret
    database: Database
    known: dict[str, Entry]
    closings: dict[str, tuple[Closing, ...]]
    consent: Consent | None

    def apply(self, file: MigrationFile, report: Report) -> list[str]:
        """Run one file from where it stands; gives what was replaced."""
        started = time.monotonic()
        plan = plan_file(file, self.database)
        remaining = _remaining(plan, self.known.get(file.path))
        ledger.begin(self.admin, plan, remaining)
        accepted_by = self.consent.who if self.consent is not None else ""
        ledger.keep_window(self.admin, file.path, self.closings[file.path], accepted_by)
        resumed = len(remaining) < len(plan.segments) or file.path in self.known
        for segment in remaining:
            self._run_segment(plan, segment, resumed=resumed)
        if not remaining:
            ledger.close_empty(self.admin, file.path)
        planned = [item for segment in plan.segments for item in segment.planned]
        replaced = [f"{file.path}:{item.statement.line}: {item.note}" for item in planned if item.outcome == "replaced"]
        report(
            Event(
                name="migration-applied",
                text=f"applied {file.path}",
                values={
                    "path": file.path,
                    "version": file.version,
                    "statements": len(planned),
                    "replaced": len(replaced),
                    "duration_ms": round((time.monotonic() - started) * 1000),
                },
            )
        )
        return replaced

    def _run_segment(self, plan: FilePlan, segment: Segment, *, resumed: bool) -> None:
        """Wait for tables that others hold in short turns: a waiting ALTER TABLE holds up everybody behind it."""
        for pause in patience.turns():
            try:
                return self._try_segment(plan, segment, resumed=resumed)
            except patience.Held:
                time.sleep(pause)
        return self._try_segment(plan, segment, resumed=resumed, last=True)

    def _try_segment(self, plan: FilePlan, segment: Segment, *, resumed: bool, last: bool = False) -> None:
        """One connection a segment: whatever a file sets or assumes ends with it."""
        current: Planned = segment.planned[0]
        options = ALONE_OPTIONS if segment.alone else patience.OPTIONS
        try:
            with postgres.connect(_with_options(self.owner_dsn, options)) as owner:
                if segment.alone:
                    if not concurrent.is_done(owner, current.statement, resumed=resumed):
                        owner.execute(current.sent.encode())
                    _complete(owner, segment)
                    return
                with owner.transaction():
                    for current in segment.planned:
                        if current.sent:
                            owner.execute(current.sent.encode())
                    _complete(owner, segment)
        except psycopg.errors.LockNotAvailable as error:
            if not last:
                raise patience.Held from None
            raise self._refused(plan, current, error) from None
        except psycopg.OperationalError as error:
            if error.sqlstate is None or error.sqlstate.startswith(("57P", "08")):
                raise DatabaseUnavailable(
                    f"PostgreSQL went away while {plan.file.path} ran",
                    detail=str(error).strip(),
                    hint="start it and run the same command again: it carries on",
                ) from None
            raise self._refused(plan, current, error) from None
        except psycopg.Error as error:
            raise self._refused(plan, current, error) from None

    def _refused(self, plan: FilePlan, item: Planned, error: psycopg.Error) -> Exception:
        ledger.fail(self.admin, plan.file.path, item, error)
        self.admin.execute("delete from freehold.approved")
        holders = patience.holders(self.admin) if isinstance(error, psycopg.errors.LockNotAvailable) else ()
        return refusal.explain(plan.file, item.statement, error, self.database, holders)


def _complete(owner: postgres.Connection, segment: Segment) -> None:
    """Record the segment in its own transaction; the file may have left another role or time limit behind."""
    owner.execute("reset statement_timeout")
    owner.execute("reset role")
    owner.execute(f"select freehold_gate.completed('{segment.token}')".encode())


def _remaining(plan: FilePlan, entry: Entry | None) -> tuple[Segment, ...]:
    """Leave out the transactions that were committed before; they must still be what they were."""
    if entry is None or not entry.done:
        return plan.segments
    remaining = []
    for segment in plan.segments:
        recorded = [entry.done.get(item.number) for item in segment.planned]
        if recorded == [None] * len(recorded):
            remaining.append(segment)
        elif recorded != [item.statement.sha256 for item in segment.planned]:
            raise MigrationChanged(
                f"{plan.file.path} ran here in part, and that part has another content now",
                detail=f"line {segment.planned[0].statement.line}",
                hint="put back the part that ran; only what comes after it may change",
            )
    return tuple(remaining)


def _revision(entries: dict[str, Entry]) -> str:
    if not entries:
        return ""
    text = "\n".join(f"{entry.path} {entry.sha256}" for entry in sorted(entries.values(), key=lambda item: item.path))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _with_options(dsn: Secret, more: str) -> Secret:
    return Secret(postgres.with_defaults(dsn.reveal(), options=f"{OWNER_OPTIONS} {more}"))


def _warn(outcome: MigrationReport, report: Report) -> None:
    for path in outcome.vanished:
        report(Event(name="warning", text=f"{path} ran here and is no longer among the files", values={"path": path}))
    for path in outcome.older:
        report(Event(name="warning", text=f"{path} is older than the baseline and was not run", values={"path": path}))
    for line in outcome.replaced:
        report(Event(name="note", text=line))
