"""Bring an app's database, users and files from where they are to a place of one's own: `freehold move`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from freehold.core.errors import MoveRefused, NotAnApp
from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report, Step
from freehold.data.move.verify import verify
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import move_steps, up_steps
from freehold.flows.move_served import Address
from freehold.flows.move_work import (
    MoveWork,
    Papers,
    Request,
    open_files,
    open_source_of,
    papers_of,
    running_destination,
    size_of,
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
    papers, running = papers_of(place), state.read(place.state)
    if running is not None:
        return _compare_served(request, place, running.url, report)
    with lock.held(place.lock), opened(request, place, papers, report) as work:
        steps = (up_steps.StartDatabase(work.up), move_steps.CompareEverything(work))
        try:
            apply(Plan(purpose="Compare with the source", steps=steps), report, Journal(place.journal))
        finally:
            work.up.stop_database()
        return work.document


def _compare_served(request: Request, place: Place, url: str, report: Report) -> dict[str, object]:
    papers, own = papers_of(place), AgeStore(place.keys, identity_file())
    app = open_source(request.app, place.work)
    inventory = _inventory(app, report)
    destination = running_destination(place, database_access.read(own))
    with open_source_of(request.source, app.root) as source:
        found = verify(source, destination, report)
        document = move_steps.describe(found.document(), source.described, papers)
    served = Address(url=url, key=keys.load_or_make(own).publishable_key)
    functions = [item.name for item in inventory.functions] if inventory else []
    with destination.admin() as admin:
        faults = found.faults + move_steps.ask(admin, document, functions, served, request.login)
    move_steps.keep(papers, document)
    move_steps.judge(faults, papers)
    return document


def last_report(papers: Papers) -> dict[str, object]:
    """Give the report of the last run; raises MoveRefused when nothing was moved to this place."""
    if not papers.report.exists():
        raise MoveRefused("nothing was moved to this place yet", hint="freehold move --from SOURCE")
    found: dict[str, object] = json.loads(papers.report.read_text())
    return found


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
            size=size_of(source),
            up=up,
        )


def _inventory(app: object, report: Report) -> Inventory | None:
    try:
        return read_app(app)  # type: ignore[arg-type]
    except NotAnApp as error:
        report(Event(name="warning", text=f"{error.message}: the move goes on without the app's migrations"))
        return None
