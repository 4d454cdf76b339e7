"""The steps of a move: bring everything, compare everything, rewrite old addresses; and the report that they write."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from freehold.core.errors import MoveDiffers, MoveRefused
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import addresses, ledger
from freehold.data.move.loading import without_triggers
from freehold.data.move.refresh import refresh
from freehold.data.move.run import move
from freehold.data.move.verify import verify
from freehold.flows import move_report, move_served
from freehold.flows.move_served import Address, Login
from freehold.flows.move_work import MoveWork, Papers
from freehold.kit import postgres, private

SHOWN = 12


@dataclass(frozen=True)
class BringEverything:
    """Objects, rows, users and files."""

    work: MoveWork

    @property
    def title(self) -> str:
        """Say from where."""
        return f"Copy everything from {self.work.source.described}"

    def done(self) -> bool:
        """Never asked of the disk: the ledger in the database knows what is there."""
        return False

    def run(self, report: Report) -> None:
        """Copy what is missing; raises MoveRefused or MoveFailed."""
        work = self.work
        _refuse_when_in_use(work)
        migrations = work.inventory.migrations if work.inventory else ()
        moved = move(work.source, work.destination, migrations, report, files=work.files)
        with work.destination.app() as app:
            app.execute("analyze")
        if moved.resumed:
            refresh(work.source, work.destination, report, work.files)

    def undo(self) -> bool:
        """Nothing: what is copied is marked, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class CompareEverything:
    """Every row, every object."""

    work: MoveWork
    title: str = "Compare everything with the source"

    def done(self) -> bool:
        """Never: comparing is the point."""
        return False

    def run(self, report: Report) -> None:
        """Compare and write the report; raises MoveDiffers."""
        work = self.work
        if work.there is None:
            work.up.owner_role = work.up.owner_role or _owner(work)
        destination = work.destination
        found = verify(work.source, destination, report)
        with destination.admin() as admin:
            report(Event(name="step-started", text="Look for the old platform's addresses"))
            old = addresses.scan(admin, work.inventory.backend.url if work.inventory and work.inventory.backend else "")
            document = describe(found.document(), work.source.described, work.papers)
            document["old_addresses"] = [_shown(item) for item in old]
            document["secrets"] = _secrets(work)
            names = [item.name for item in work.inventory.functions] if work.inventory else []
            document["edge_functions"] = len(names)
            faults = found.faults + ask(admin, document, names, work.served_at, work.request.login)
            ledger.set_status(admin, "different" if faults else "equal", document)
        work.document = document
        keep(work.papers, document)
        judge(faults, work.papers)

    def undo(self) -> bool:
        """Nothing was changed."""
        return False


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
        work.document["old_addresses"] = [_shown(item) for item in left]
        work.document["rewritten"] = changed
        keep(work.papers, work.document)
        report(Event(name="note", text=f"{changed} rows, functions and jobs name {new} now"))

    def undo(self) -> bool:
        """Nothing: rewriting again finds nothing."""
        return False


def _refuse_when_in_use(work: MoveWork) -> None:
    """Once everything was equal the app may have been used here: copying again would take its new rows away."""
    with work.destination.admin() as admin:
        row = admin.execute("select status, source from freehold.moves").fetchone()
    if row is not None and row[0] == "equal":
        raise MoveRefused(
            "this place was moved to already, and was equal to its source then",
            detail=f"from {row[1]}",
            hint="freehold move verify --from SOURCE   compares again without changing anything",
        )


def _owner(work: MoveWork) -> str:
    with postgres.connect(work.up.database.admin_dsn) as admin:
        row = admin.execute("select owner from freehold.installation").fetchone()
    return str(row[0]) if row else "postgres"


def _secrets(work: MoveWork) -> list[dict[str, object]]:
    """What the app's functions read: names, whether a value is set here, and whether the builder knew it."""
    readers: dict[str, list[str]] = {}
    for function in work.inventory.functions if work.inventory else ():
        for name in function.secrets:
            readers.setdefault(name, []).append(function.name)
    made = {"LOVABLE_API_KEY"}
    return [
        {
            "name": name,
            "read_by": sorted(users),
            "set": name in work.secrets or name in made or name.startswith("SUPABASE_"),
            "rotate": name not in made and not name.startswith("SUPABASE_"),
        }
        for name, users in sorted(readers.items())
    ]


def describe(found: dict[str, object], source: str, papers: Papers) -> dict[str, object]:
    """The report: what was compared, with what, when, and where the page for people lies."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"source": source, "target": papers.target, "page": str(papers.page), "compared_at": now} | found


def ask(
    admin: postgres.Connection,
    document: dict[str, object],
    functions: Sequence[str],
    address: Address | None,
    login: Login | None,
) -> tuple[str, ...]:
    """Let the app itself answer, add that to the report, and give what is wrong."""
    checks = move_served.look(address, admin, functions, login)
    wrong = tuple(f"{check.name}: {check.detail}" for check in checks if not check.ok)
    document["answers"] = [asdict(check) for check in checks]
    if wrong:
        document |= {"equal": False, "faults": [*document["faults"], *wrong]}  # type: ignore[misc]
    return wrong


def keep(papers: Papers, document: dict[str, object]) -> None:
    """Write it for machines and for people."""
    private.replace(papers.report, json.dumps(document, indent=1, ensure_ascii=False).encode())
    private.replace(papers.page, move_report.page(document).encode())


def judge(faults: tuple[str, ...], papers: Papers) -> None:
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
