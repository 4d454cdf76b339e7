"""Bring an app's database, users and files from where they are to a place of one's own: `freehold move`."""

from collections.abc import Iterator
from contextlib import contextmanager

from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report, Step
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import move_steps, up_steps
from freehold.flows.move_papers import Papers, papers_of
from freehold.flows.move_served import Address
from freehold.flows.move_work import (
    MoveWork,
    Request,
    open_files,
    open_source_of,
    running_destination,
)
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Work
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, keys, lock, state
from freehold.targets.local.place import Place, identity_file, place_of


def run(request: Request, report: Report) -> dict[str, object]:
    """Move, compare, and write the report; gives it. Running again goes on where an earlier run stopped.

    Raises MoveDiffers when anything is not as at the source: the report is written all the same.
    """
    place = place_of(request.app, request.data)
    place.prepare()
    with lock.held(place.lock), opened(request, place, papers_of(place), report) as work:
        start = (up_steps.StartDatabase(work.up), up_steps.InstallPlatform(work.up))
        try:
            apply(plan(work, start), report, Journal(place.journal))
        finally:
            work.up.stop_database()
        return work.document


def plan(work: MoveWork, start: tuple[Step, ...]) -> Plan:
    """Say what has to happen, in order; `start` makes the database what it has to be."""
    return Plan(
        purpose=f"Move {work.source.described}",
        steps=(
            *start,
            move_steps.BringEverything(work),
            move_steps.CompareEverything(work),
            *((move_steps.RewriteAddresses(work),) if work.request.rewrite_to else ()),
        ),
    )


def compare(request: Request, report: Report) -> dict[str, object]:
    """Hold a place against the source again; its app may be up. Raises MoveDiffers."""
    place = place_of(request.app, request.data)
    running = state.read(place.state)
    if running is not None:
        with opened(request, place, papers_of(place), report) as work:
            work.there = running_destination(place, database_access.read(AgeStore(place.keys, identity_file())))
            work.served_at = Address(url=running.url, key=work.up.keys.publishable_key)
            return compared(work, report)
    with lock.held(place.lock), opened(request, place, papers_of(place), report) as work:
        try:
            return compared(work, report, (up_steps.StartDatabase(work.up),))
        finally:
            work.up.stop_database()


def compared(work: MoveWork, report: Report, start: tuple[Step, ...] = ()) -> dict[str, object]:
    """Compare what was opened; gives the report. Raises MoveDiffers."""
    steps = (*start, move_steps.CompareEverything(work))
    apply(Plan(purpose="Compare with the source", steps=steps), report, Journal(work.place.journal))
    return work.document


@contextmanager
def opened(request: Request, place: Place, papers: Papers, report: Report) -> Iterator[MoveWork]:
    """Read the app and open the source; nothing is changed yet."""
    report(Event(name="step-started", text="Look at the source"))
    app = open_source(request.app, place.work)
    inventory = _inventory(app, report)
    with open_source_of(request.source, app.root) as source:
        store = AgeStore(place.secrets, identity_file())
        up = Work(
            place=place,
            app=app,
            inventory=inventory or Inventory(builder="", generation=""),
            keys=keys.load_or_make(AgeStore(place.keys, identity_file())),
            secrets=store,
            database_url=request.database_url,
        )
        yield MoveWork(
            request=request,
            place=place,
            papers=papers,
            inventory=inventory,
            secrets=store.names(),
            source=source,
            files=open_files(request),
            up=up,
        )


def _inventory(app: App, report: Report) -> Inventory | None:
    try:
        return read_app(app)
    except NotAnApp as error:
        report(Event(name="warning", text=f"{error.message}: the move goes on without the app's migrations"))
        return None
