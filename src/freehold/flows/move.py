"""Bring an app's database, users and files from where they are to a place of one's own: `freehold move`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report, Step
from freehold.data.sources.files import FileSource
from freehold.data.sources.toc import Source
from freehold.flows import move_here, move_later, move_steps, up_steps
from freehold.flows.move_papers import Papers, papers_of
from freehold.flows.move_work import MoveWork, Request, open_files, open_source_of, up_work
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.targets.local import lock
from freehold.targets.local.place import Place, place_of


def run(request: Request, report: Report) -> dict[str, object]:
    """Move, compare, and write the report; gives it. Running again goes on where an earlier run stopped.

    Raises MoveDiffers when anything is not as at the source: the report is written all the same.
    """
    place = place_of(request.app, request.data)
    with looked_at(request, place, report) as seen:
        place.prepare()
        with lock.held(place.lock):
            work = work_of(seen, request, place, papers_of(place))
            start = (
                up_steps.StartDatabase(work.up),
                move_steps.KeepEndsApart(work),
                up_steps.InstallPlatform(work.up),
            )
            return move_here.carry_out(work, plan(work, start), report)


def plan(work: MoveWork, start: tuple[Step, ...]) -> Plan:
    """Say what has to happen, in order; `start` makes the database what it has to be."""
    return Plan(
        purpose=f"Move {work.source.described}",
        steps=(
            *start,
            move_steps.BringEverything(work),
            move_steps.CompareCopied(work),
            move_later.BringLeftFiles(work),
            *((move_steps.RewriteAddresses(work),) if work.request.rewrite_to else ()),
        ),
    )


def compare(request: Request, report: Report) -> dict[str, object]:
    """Hold a place against the source again; its app may be up. Raises MoveDiffers."""
    place = place_of(request.app, request.data)
    move_here.refuse_new(place, request.database_url, f"freehold move --app {request.app} --from SOURCE")
    with looked_at(request, place, report) as seen:
        work = work_of(seen, request, place, papers_of(place))
        return move_here.compare(work, move_steps.CompareEverything(work), report)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The app and the source, before anything was made or changed anywhere."""

    app: App
    inventory: Inventory | None
    source: Source
    files: FileSource | None


@contextmanager
def looked_at(request: Request, place: Place, report: Report) -> Iterator[Seen]:
    """Read the app and open the source; `place` is not made yet. Raises what either has against it."""
    report(Event(name="step-started", text="Look at the source"))
    files = open_files(request)
    app = _app(request, place)
    inventory = _inventory(app, report)
    with open_source_of(request.source, app.root) as source:
        yield Seen(app=app, inventory=inventory, source=source, files=files)


def work_of(seen: Seen, request: Request, place: Place, papers: Papers) -> MoveWork:
    """What the steps share; `place` has been made."""
    up = up_work(place, seen.app, seen.inventory, request.database_url)
    return MoveWork(
        request=request,
        place=place,
        papers=papers,
        inventory=seen.inventory,
        secrets=up.secrets.names(),
        source=seen.source,
        files=seen.files,
        up=up,
    )


def _app(request: Request, place: Place) -> App:
    try:
        return open_source(request.app, place.work)
    except NotAnApp as error:
        hint = "give the app's folder, where its package.json is: --app FOLDER"
        raise NotAnApp(error.message, detail=error.detail, hint=hint) from None


def _inventory(app: App, report: Report) -> Inventory | None:
    try:
        return read_app(app)
    except NotAnApp as error:
        report(Event(name="warning", text=f"{error.message}: the move goes on without the app's migrations"))
        return None
