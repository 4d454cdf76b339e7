"""The steps of a move: bring everything, compare everything, rewrite old addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from freehold import platform
from freehold.core.errors import MoveDiffers, MoveRefused
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import addresses, ledger
from freehold.data.move.destination import Destination
from freehold.data.move.loading import without_triggers
from freehold.data.move.refresh import refresh
from freehold.data.move.run import move
from freehold.data.move.verify import Verified, verify
from freehold.data.sources.live import LiveDatabase
from freehold.flows import move_later, move_served
from freehold.flows.move_papers import Papers
from freehold.flows.move_served import Login
from freehold.flows.move_work import MoveWork, Moving
from freehold.flows.up_work import SUPPLIED
from freehold.kit import postgres

SHOWN = 12


@dataclass(frozen=True)
class KeepEndsApart:
    """Where a database of one's own is the target: it is changed at once, and a source never is."""

    work: MoveWork
    title: str = "See that the place is not the source itself"

    def done(self) -> bool:
        """Whether the source is a file."""
        return not isinstance(self.work.source, LiveDatabase)

    def run(self, _report: Report) -> None:
        """Look; raises MoveRefused."""
        source = self.work.source
        if not isinstance(source, LiveDatabase):
            return
        with postgres.connect(self.work.up.database.admin_dsn) as admin:
            is_same = source.is_database_of(admin)
        if is_same:
            raise MoveRefused(
                "source and target are the same database; nothing was changed",
                detail=source.described,
                hint="give another database with --database-url, or leave it out for one on this machine",
            )

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


@dataclass(frozen=True)
class BringEverything:
    """Objects, rows, users and files."""

    work: MoveWork

    @property
    def title(self) -> str:
        """Say from where."""
        return f"See what becomes of every object of {self.work.source.described}"

    def done(self) -> bool:
        """Whether it was done once and was equal; what is there of a copy, the ledger in the database knows."""
        return move_later.is_asked(self.work)

    def run(self, report: Report) -> None:
        """Copy what is missing; raises MoveRefused or MoveFailed."""
        work = self.work
        work.papers.begin(work.source.described)
        migrations = work.inventory.migrations if work.inventory else ()
        try:
            moved = move(work.source, work.destination, migrations, report, files=work.files)
        except MoveRefused:
            self._forget_when_another()
            raise
        with work.destination.app() as app:
            app.execute("analyze")
        if moved.resumed:
            refresh(work.source, work.destination, report, work.files)

    def _forget_when_another(self) -> None:
        """What another source brought here goes on to be what is told of this place."""
        work = self.work
        with work.destination.admin() as admin:
            if ledger.identity(admin) != work.source.identity:
                work.papers.begun.unlink(missing_ok=True)

    def undo(self) -> bool:
        """Nothing: what is copied is marked, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class CompareEverything:
    """Every row, every object."""

    work: MoveWork
    title: str = "See what is to be compared with the source"

    def done(self) -> bool:
        """Never: comparing is the point."""
        return False

    def run(self, report: Report) -> None:
        """Compare and write the report; raises MoveDiffers."""
        work = self.work
        destination = moved_to(work, "freehold move --from SOURCE")
        found = verify(work.source, destination, report)
        with destination.admin() as admin:
            report(Event(name="step-started", text="Look for the old platform's addresses"))
            old = addresses.scan(admin, work.inventory.backend.url if work.inventory and work.inventory.backend else "")
            told = {"old_addresses": [_shown(item) for item in old]}
            names = [item.name for item in work.inventory.functions] if work.inventory else []
            settle(work, admin, found, told, names=names, login=work.request.login)

    def undo(self) -> bool:
        """Nothing was changed."""
        return False


@dataclass(frozen=True)
class CompareCopied(CompareEverything):
    """The same right after a copy; a place that users work with already is compared by `freehold move verify`."""

    def done(self) -> bool:
        """Whether nothing was copied."""
        return move_later.is_asked(self.work)


@dataclass(frozen=True)
class RewriteAddresses:
    """The old address in rows, functions and jobs."""

    work: MoveWork
    title: str = "Put the new address in the place of the old one"

    def done(self) -> bool:
        """Never: what is rewritten is not found again."""
        return False

    def run(self, report: Report) -> None:
        """Rewrite what the app's own back end is called; signed addresses stay, because their keys stay behind."""
        work = self.work
        backend = work.inventory.backend if work.inventory else None
        if backend is None:
            raise MoveRefused("the app names no address of its old back end", hint="leave --rewrite-addresses out")
        old, new = backend.url.rstrip("/"), work.request.rewrite_to.rstrip("/")
        with work.destination.admin() as admin, work.destination.app() as app:
            found = addresses.scan(admin, old)
            with without_triggers(admin, app, work.destination.owner):
                changed = addresses.rewrite(admin, app, found, old, new)
            left = addresses.scan(admin, old)
            kept = ledger.report(admin)
            work.document = work.document or (dict(kept) if isinstance(kept, dict) else {})
            work.document |= {"old_addresses": [_shown(item) for item in left], "rewritten": changed}
            ledger.set_status(admin, "equal", work.document)
        work.papers.keep(work.document)
        report(Event(name="note", text=f"{changed} rows, functions and jobs name {new} now"))

    def undo(self) -> bool:
        """Nothing: rewriting again finds nothing."""
        return False


def moved_to(work: Moving, command: str) -> Destination:
    """Give what is to be compared; where nothing was moved to, `command` would. Raises MoveRefused."""
    if work.there is None:
        with postgres.connect(work.up.database.admin_dsn) as admin:
            work.up.owner_role = work.up.owner_role or platform.owner_role(admin)
    with work.destination.admin() as admin:
        if ledger.status(admin) is None:
            raise MoveRefused("nothing was moved to this place yet", hint=command)
    return work.destination


def settle(  # noqa: PLR0913 - what was compared, and what the app itself is asked
    work: Moving,
    admin: postgres.Connection,
    found: Verified,
    told: Mapping[str, object],
    *,
    names: Sequence[str] = (),
    login: Login | None = None,
) -> None:
    """Let the app itself answer, and write the report with what else is `told`; raises MoveDiffers."""
    work.document = _described(work, found.document()) | dict(told)
    faults = found.faults + _ask(work, admin, names, login)
    ledger.set_status(admin, "different" if faults else "equal", work.document)
    work.papers.keep(work.document)
    _judge(faults, work.papers)


def _described(work: Moving, found: dict[str, object]) -> dict[str, object]:
    """The report: what was compared, with what, when, and what is left for the owner to do."""
    return {
        "source": work.source.described,
        "target": work.papers.target,
        "page": str(work.papers.page),
        "compared_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **found,
        "secrets": _secrets(work),
        "edge_functions": len(work.inventory.functions) if work.inventory else 0,
    }


def _secrets(work: Moving) -> list[dict[str, object]]:
    """What the app's functions read: names, whether a value is set here, and whether the builder knew it."""
    readers: dict[str, list[str]] = {}
    for function in work.inventory.functions if work.inventory else ():
        for name in function.secrets:
            readers.setdefault(name, []).append(function.name)
    return [
        {
            "name": name,
            "read_by": sorted(users),
            "set": name in work.secrets or name in SUPPLIED or name.startswith("SUPABASE_"),
            "rotate": name not in SUPPLIED and not name.startswith("SUPABASE_"),
        }
        for name, users in sorted(readers.items())
    ]


def _ask(work: Moving, admin: postgres.Connection, names: Sequence[str], login: Login | None) -> tuple[str, ...]:
    """Let the app itself answer, add that to the report, and give what is wrong."""
    checks = move_served.look(work.served_at, admin, names, login)
    wrong = tuple(f"{check.name}: {check.detail}" for check in checks if not check.ok)
    document = work.document
    document["answers"] = [asdict(check) for check in checks]
    if wrong:
        document |= {"equal": False, "faults": [*document["faults"], *wrong]}  # type: ignore[misc]
    return wrong


def _judge(faults: tuple[str, ...], papers: Papers) -> None:
    """Raise MoveDiffers when there are any."""
    if not faults:
        return
    more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    raise MoveDiffers(
        f"{len(faults)} things are not as at the source",
        detail="\n".join([*faults[:SHOWN], *more]),
        hint=f"the whole report: {papers.page}",
    )


def _shown(item: addresses.Found) -> dict[str, object]:
    """An address for the report."""
    return {"kind": item.kind, "place": item.place, "rows": item.rows, "signed": item.signed}
