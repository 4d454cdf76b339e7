"""Bring a Base44 app's users, records and files here, from its API or from exports: `freehold move base44`.

The plan, the ledger, the comparison and the report are those of `freehold move`; what differs is the source.
"""

from dataclasses import dataclass
from pathlib import Path

from freehold.core.app import App
from freehold.core.errors import BadUsage
from freehold.core.inventory import Inventory
from freehold.core.plan import Plan, Report, Step
from freehold.core.secret import Secret
from freehold.data.records.api import Api
from freehold.data.records.exports import Exports
from freehold.data.records.pages import Source
from freehold.flows import move_here, up_steps
from freehold.flows.move_papers import Papers, papers_of
from freehold.flows.move_records_steps import BringRecords, CompareRecords, MakeTables, RecordsWork
from freehold.flows.move_work import up_work
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.targets.local import lock
from freehold.targets.local.place import Place, place_of

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
        return move_here.carry_out(work, plan(work, start), report)


def plan(work: RecordsWork, start: tuple[Step, ...]) -> Plan:
    """Say what has to happen, in order; `start` makes the database what it has to be."""
    steps = (*start, MakeTables(work), BringRecords(work), CompareRecords(work))
    return Plan(purpose=f"Move {work.source.described}", steps=steps)


def compare(request: Request, report: Report) -> dict[str, object]:
    """Hold a place against the source again; its app may be up. Raises MoveDiffers."""
    place = place_of(request.app, request.data)
    move_here.refuse_new(place, request.database_url, f"freehold move base44 --app {request.app}")
    work = work_of(look(request, place), request, place, papers_of(place))
    return move_here.compare(work, CompareRecords(work), report)


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
    up = up_work(place, seen.app, seen.inventory, request.database_url)
    return RecordsWork(
        place=place,
        papers=papers,
        inventory=seen.inventory,
        secrets=up.secrets.names(),
        source=seen.source,
        up=up,
    )


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
