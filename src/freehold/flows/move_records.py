"""Bring a Base44 app's users, records and files here, from its API or from exports: `freehold move base44`.

The plan, the ledger, the comparison and the report are those of `freehold move`; what differs is the source.
"""

from dataclasses import dataclass, field
from pathlib import Path

from freehold import platform
from freehold.core.app import App
from freehold.core.errors import BadUsage, MoveRefused
from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report, Step
from freehold.core.secret import Secret
from freehold.data import entities
from freehold.data.move import ledger
from freehold.data.move.destination import Destination
from freehold.data.records import run as records
from freehold.data.records import verify
from freehold.data.records.api import Api
from freehold.data.records.exports import Exports
from freehold.data.records.pages import Source
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import move_later, move_steps, move_work, up_steps
from freehold.flows.move_papers import Papers, papers_of
from freehold.flows.move_served import Address
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Work
from freehold.kit import postgres
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, keys, lock, state
from freehold.targets.local.place import Place, identity_file, place_of

ADDRESS = "https://app.base44.com"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for: `key` for the API, or a folder of exports."""

    app: str
    data: Path | None = None
    database_url: Secret | None = None
    address: str = ADDRESS
    key: Secret | None = None
    exports: Path | None = None
    starts_over: bool = False
    """Whether what lies on a server that nobody has used yet is thrown away first."""


@dataclass(kw_only=True)
class RecordsWork:
    """Mutable on purpose: each step fills in what the next ones need."""

    place: Place
    papers: Papers
    inventory: Inventory
    secrets: tuple[str, ...]
    """Names of secrets that are set at the target."""
    source: Source
    up: Work
    there: Destination | None = None
    """A server's database and files; None for this machine's own."""
    served_at: Address | None = None
    document: dict[str, object] = field(default_factory=dict)

    @property
    def destination(self) -> Destination:
        """Whereto. The place's own only after it was started and the platform installed."""
        return self.there or move_work.local_destination(self.place, self.up)


def run(request: Request, report: Report) -> dict[str, object]:
    """Move, compare, and write the report; gives it. Running again goes on where an earlier run stopped.

    Raises MoveDiffers when anything is not as at the source: the report is written all the same.
    """
    place = place_of(request.app, request.data)
    seen = look(request, place)
    place.prepare()
    with lock.held(place.lock):
        work = work_of(seen, request, place, papers_of(place))
        start = (up_steps.StartDatabase(work.up), up_steps.InstallPlatform(work.up))
        try:
            apply(plan(work, start), report, Journal(place.journal))
        finally:
            work.up.stop_database()
        return work.document


def plan(work: RecordsWork, start: tuple[Step, ...]) -> Plan:
    """Say what has to happen, in order; `start` makes the database what it has to be."""
    steps = (*start, MakeTables(work), BringRecords(work), CompareRecords(work))
    return Plan(purpose=f"Move {work.source.described}", steps=steps)


def compare(request: Request, report: Report) -> dict[str, object]:
    """Hold a place against the source again; its app may be up. Raises MoveDiffers."""
    place = place_of(request.app, request.data)
    if request.database_url is None and not place.postgres.exists():
        raise MoveRefused("nothing was moved to this place yet", hint=f"freehold move base44 --app {request.app}")
    seen, running = look(request, place), state.read(place.state)
    if running is not None:
        work = work_of(seen, request, place, papers_of(place))
        access = database_access.read(AgeStore(place.keys, identity_file()))
        work.there = move_work.running_destination(place, access)
        work.served_at = Address(url=running.url, key=work.up.keys.publishable_key)
        return compared(work, report)
    with lock.held(place.lock):
        work = work_of(seen, request, place, papers_of(place))
        try:
            return compared(work, report, (up_steps.StartDatabase(work.up),))
        finally:
            work.up.stop_database()


def compared(work: RecordsWork, report: Report, start: tuple[Step, ...] = ()) -> dict[str, object]:
    """Compare what was opened; gives the report. Raises MoveDiffers."""
    steps = (*start, CompareRecords(work))
    apply(Plan(purpose="Compare with the source", steps=steps), report, Journal(work.place.journal))
    return work.document


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The app and the source, before anything was made or changed anywhere."""

    app: App
    inventory: Inventory
    source: Source


def look(request: Request, place: Place) -> Seen:
    """Read the app and open the source; `place` is not made yet. Raises what either has against it."""
    app = open_source(request.app, place.work)
    inventory = read_app(app)
    return Seen(app=app, inventory=inventory, source=_source(request, inventory.app_id))


def work_of(seen: Seen, request: Request, place: Place, papers: Papers) -> RecordsWork:
    """What the steps share; `place` has been made."""
    store = AgeStore(place.secrets, identity_file())
    up = Work(
        place=place,
        app=seen.app,
        inventory=seen.inventory,
        keys=keys.load_or_make(AgeStore(place.keys, identity_file())),
        secrets=store,
        database_url=request.database_url,
    )
    return RecordsWork(
        place=place, papers=papers, inventory=seen.inventory, secrets=store.names(), source=seen.source, up=up
    )


@dataclass(frozen=True)
class MakeTables:
    """Tables for the entities in the app's files and code; a target that was served has those of its release."""

    work: RecordsWork
    title: str = "Make the entities' tables"

    def done(self) -> bool:
        """Never asked of the disk: the database knows."""
        return False

    def run(self, report: Report) -> None:
        """Make them, where no other source and nobody's records are. Raises MoveRefused."""
        work = self.work
        move_later.refuse_when_in_use(work.destination, "freehold move base44 --verify")
        records.begin(work.source, work.destination)
        work.papers.begin(work.source.described)
        if work.there is None and any(work.place.releases.iterdir()):
            return
        found = [item for item in work.inventory.records if item.kind == "entity"]
        entities.apply(found, owner_dsn=work.destination.owner_dsn, report=report)

    def undo(self) -> bool:
        """Nothing: empty tables do no harm, and the next run fills them."""
        return False


@dataclass(frozen=True)
class BringRecords:
    """Users, records and files."""

    work: RecordsWork

    @property
    def title(self) -> str:
        """Say from where."""
        return f"Copy everything from {self.work.source.described}"

    def done(self) -> bool:
        """Never asked of the disk: the ledger in the database knows what is there."""
        return False

    def run(self, report: Report) -> None:
        """Copy what is missing; raises MoveFailed."""
        records.move(self.work.source, self.work.destination, report)
        with self.work.destination.app() as app:
            app.execute("analyze")

    def undo(self) -> bool:
        """Nothing: what is copied is marked, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class CompareRecords:
    """Every user, every record, every file."""

    work: RecordsWork
    title: str = "Compare everything with the source"

    def done(self) -> bool:
        """Never: comparing is the point."""
        return False

    def run(self, report: Report) -> None:
        """Compare and write the report; raises MoveDiffers."""
        work = self.work
        if work.there is None:
            with postgres.connect(work.up.database.admin_dsn) as admin:
                work.up.owner_role = work.up.owner_role or platform.owner_role(admin)
        destination = work.destination
        with destination.admin() as admin:
            move_steps.refuse_when_empty(admin)
        with destination.app() as app:
            known = records.known_entities(app)
        found = verify.verify(work.source, destination, known, report)
        work.document = move_steps.described(work, found.document())
        with destination.admin() as admin:
            faults = found.faults + move_steps.ask(work, admin)
            ledger.set_status(admin, "different" if faults else "equal", work.document)
        work.papers.keep(work.document)
        if work.source.requests:
            report(Event(name="note", text=f"{work.source.requests} requests were sent to the source"))
        move_steps.judge(faults, work.papers)

    def undo(self) -> bool:
        """Nothing was changed."""
        return False


def _source(request: Request, app_id: str) -> Source:
    if request.exports is not None:
        return Exports(request.exports)
    if request.key is None:
        raise BadUsage(
            "say where the records are", hint="set FREEHOLD_BASE44_KEY to a workspace key, or give --exports FOLDER"
        )
    if not app_id:
        raise BadUsage("the app's id is not in its files", hint='write {"id": "..."} into base44/.app.jsonc')
    return Api(request.address, app_id, request.key)
