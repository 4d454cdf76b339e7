"""Bring an app's database, users and files from where they are to a place of one's own: `freehold move`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from freehold.core.errors import MoveDiffers, MoveRefused, NotAnApp
from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report
from freehold.core.ports import Target
from freehold.data.move import addresses, ledger
from freehold.data.move.loading import without_triggers
from freehold.data.move.refresh import refresh
from freehold.data.move.run import move
from freehold.data.move.verify import verify
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import move_report, up_steps
from freehold.flows.move_work import (
    MoveWork,
    Request,
    open_files,
    open_source_of,
    running_destination,
    size_of,
    target_destination,
)
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Work
from freehold.kit import postgres, private
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, keys, lock, state
from freehold.targets.local.place import Place, identity_file, place_of

SHOWN = 12
REPORT = "move-report.json"
PAGE = "move-report.html"


def run(request: Request, report: Report) -> dict[str, object]:
    """Move, compare, and write the report; gives it. Running again goes on where an earlier run stopped.

    Raises MoveDiffers when anything is not as at the source: the report is written all the same.
    """
    place = place_of(request.app, request.data)
    place.prepare()
    with lock.held(place.lock), _work(request, place, report) as work:
        try:
            apply(plan(work), report, Journal(place.journal))
        finally:
            work.up.stop_database()
        return work.document


def run_to(target: Target, request: Request, report: Report) -> dict[str, object]:
    """Move into a target's database, whose platform its owner installed with it; see `run`.

    Uploaded files are counted and left: they have to be brought to the target's folder by hand.
    """
    place = place_of(request.app, request.data)
    place.prepare()
    with _work(request, place, report) as work, target.database() as (admin, owner):
        work.there = target_destination(target, admin, owner, place.work / "no-files")
        work.files = None
        apply(plan(work), report, Journal(place.journal))
        return work.document


def plan(work: MoveWork) -> Plan:
    """Say what has to happen, in order."""
    start = (up_steps.StartDatabase(work.up), up_steps.InstallPlatform(work.up)) if work.there is None else ()
    return Plan(
        purpose=f"Move {work.source.described}",
        steps=(
            *start,
            BringEverything(work),
            CompareEverything(work),
            *((RewriteAddresses(work),) if work.request.rewrite_to else ()),
        ),
    )


def compare(request: Request, report: Report) -> dict[str, object]:
    """Hold a place against the source again; its app may be up. Raises MoveDiffers."""
    place = place_of(request.app, request.data)
    if state.read(place.state) is not None:
        with open_source_of(request.source) as source:
            access = database_access.read(AgeStore(place.keys, identity_file()))
            found = verify(source, running_destination(place, access), report)
            document = _document(found.document(), source.described, place)
        _keep(place, document)
        _judge(found.faults, place)
        return document
    with lock.held(place.lock), _work(request, place, report) as work:
        try:
            apply(
                Plan(
                    purpose="Compare with the source", steps=(up_steps.StartDatabase(work.up), CompareEverything(work))
                ),
                report,
                Journal(place.journal),
            )
        finally:
            work.up.stop_database()
        return work.document


def last_report(place: Place) -> dict[str, object]:
    """Give the report of the last run; raises MoveRefused when nothing was moved to this place."""
    path = place.root / REPORT
    if not path.exists():
        raise MoveRefused("nothing was moved to this place yet", hint="freehold move --from SOURCE")
    found: dict[str, object] = json.loads(path.read_text())
    return found


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
        moved = move(work.source, work.destination, migrations, report, files=work.files, size=work.size)
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
            document = _document(found.document(), work.source.described, work.place)
            document["target"] = work.there.described if work.there else str(work.place.root)
            document["page"] = str(work.place.root / PAGE)
            document["old_addresses"] = [vars_of(item) for item in old]
            document["secrets"] = _secrets(work)
            document["edge_functions"] = len(work.inventory.functions) if work.inventory else 0
            ledger.set_status(admin, "different" if found.faults else "equal", document)
        work.document = document
        _keep(work.place, document)
        _judge(found.faults, work.place)

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
        work.document["old_addresses"] = [vars_of(item) for item in left]
        work.document["rewritten"] = changed
        _keep(work.place, work.document)
        report(Event(name="note", text=f"{changed} rows, functions and jobs name {new} now"))

    def undo(self) -> bool:
        """Nothing: rewriting again finds nothing."""
        return False


@contextmanager
def _work(request: Request, place: Place, report: Report) -> Iterator[MoveWork]:
    report(Event(name="step-started", text="Look at the source"))
    app = open_source(request.app, place.work)
    inventory = _inventory(app, report)
    with open_source_of(request.source, app.root) as source:
        own = keys.load_or_make(AgeStore(place.keys, identity_file()))
        store = AgeStore(place.secrets, identity_file())
        up = Work(
            place=place,
            app=app,
            inventory=inventory or Inventory(builder="", generation=""),
            keys=own,
            secrets=store,
            database_url=request.database_url,
        )
        yield MoveWork(
            request=request,
            place=place,
            inventory=inventory,
            secrets=store.names(),
            source=source,
            files=open_files(request),
            size=size_of(source, request.source),
            up=up,
        )


def _inventory(app: object, report: Report) -> Inventory | None:
    try:
        return read_app(app)  # type: ignore[arg-type]
    except NotAnApp as error:
        report(Event(name="warning", text=f"{error.message}: the move goes on without the app's migrations"))
        return None


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


def _document(found: dict[str, object], source: str, place: Place) -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"source": source, "target": str(place.root), "compared_at": now} | found


def _keep(place: Place, document: dict[str, object]) -> None:
    private.replace(place.root / REPORT, json.dumps(document, indent=1, ensure_ascii=False).encode())
    private.replace(place.root / PAGE, move_report.page(document).encode())


def _judge(faults: tuple[str, ...], place: Place) -> None:
    if not faults:
        return
    more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    raise MoveDiffers(
        f"{len(faults)} things are not as at the source",
        detail="\n".join([*faults[:SHOWN], *more]),
        hint=f"the whole report: {place.root / PAGE}",
    )


def vars_of(item: addresses.Found) -> dict[str, object]:
    """An address for the report."""
    return {"kind": item.kind, "place": item.place, "rows": item.rows, "signed": item.signed}
