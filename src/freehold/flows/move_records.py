"""Bring a Base44 app's users and records here, from its API or from exports, and compare every id."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from freehold.core.errors import BadUsage, MoveDiffers
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data import entities
from freehold.data.records.api import Api
from freehold.data.records.copy import Moved, Source, move_entity
from freehold.data.records.exports import Exports
from freehold.data.records.files import FileMover
from freehold.data.records.people import NAME, move_people
from freehold.flows import up_steps
from freehold.flows.move_papers import papers_of
from freehold.flows.read import read_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Work
from freehold.kit import postgres, private
from freehold.kit.objects.folder import FolderStore
from freehold.platform.entities.schema import Entity, read_entity
from freehold.secrets.age import AgeStore
from freehold.targets.local import keys, lock
from freehold.targets.local.place import identity_file, place_of

REPORT = "move-records.json"
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


def run(request: Request, report: Report) -> dict[str, object]:
    """Move and compare; gives the report. Running again goes on where an earlier run stopped.

    Raises MoveDiffers when an id is on one side only: the report is written all the same.
    """
    place = place_of(request.app, request.data)
    place.prepare()
    with lock.held(place.lock):
        app = open_source(request.app, place.work)
        work = Work(
            place=place,
            app=app,
            inventory=read_app(app),
            keys=keys.load_or_make(AgeStore(place.keys, identity_file())),
            secrets=AgeStore(place.secrets, identity_file()),
            database_url=request.database_url,
        )
        source = _source(request, work.inventory.app_id)
        try:
            for step in (up_steps.StartDatabase(work), up_steps.InstallPlatform(work)):
                report(Event(name="step-started", text=step.title))
                step.run(report)
            found = _move(work, source, report)
        finally:
            work.stop_database()
        private.replace(place.root / REPORT, json.dumps(found, indent=1).encode())
    _judge(found, place.root / REPORT)
    return found


def last_report(app: str, data: Path | None) -> tuple[dict[str, object], Path] | None:
    """Give what the last run found, and its file; None where no records were moved, or a database was moved, too."""
    place = place_of(app, data)
    path = place.root / REPORT
    if not path.exists() or papers_of(place).report.exists():
        return None
    found: dict[str, object] = json.loads(path.read_text())
    return found, path


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


def _move(work: Work, source: Source, report: Report) -> dict[str, object]:
    owner = work.database.dsn(work.owner_role, work.keys.owner_password)
    records = [item for item in work.inventory.records if item.kind == "entity"]
    if not any(work.place.releases.iterdir()):  # where the app was served, its tables are those of its release
        entities.apply(records, owner_dsn=owner, report=report)
    with postgres.connect(work.database.admin_dsn) as admin:
        people, lost = move_people(admin, source)
    moved: list[Moved] = []
    with postgres.connect(owner) as connection:
        for entity in _entities(connection):
            report(Event(name="step-started", text=f"Bring {entity.name}"))
            moved.append(move_entity(connection, source, entity, report))
    with postgres.connect(work.database.admin_dsn) as admin:
        objects, named = FolderStore(work.place.objects), [item.entity for item in moved]
        files = FileMover(admin=admin, objects=objects, entities=named, report=report).move()
    return {
        "equal": not lost and not files.failed and all(item.equal for item in moved),
        "users": people,
        "users_missing": lost,
        "requests": source.requests,
        "files": asdict(files),
        "entities": [asdict(item) | {"equal": item.equal} for item in moved],
    }


def _entities(connection: postgres.Connection) -> list[Entity]:
    rows = connection.execute("select name, schema, kinds, inferred from base44.entity order by name").fetchall()
    return [
        read_entity(str(name), schema, kinds=kinds, inferred=inferred)
        for name, schema, kinds, inferred in rows
        if str(name).lower() != NAME.lower()
    ]


def _judge(found: dict[str, object], path: Path) -> None:
    if not found["equal"]:
        raise MoveDiffers(
            "not every record and file is on both sides",
            detail=f"their ids and addresses stand in {path}",
            hint="run the same command again",
        )
