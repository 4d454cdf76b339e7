"""Bring an app up on this machine, and keep it up: the recipe behind `freehold up`."""

from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import MigrationFailed
from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.core.secret import Secret
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import (
    arrival,
    deploy_steps,
    holding,
    keep_up,
    local_target,
    own_server,
    snapshot,
    traffic_steps,
    up_mail_queue,
    up_schema,
    up_settings,
    up_sign_in,
    up_state,
    up_steps,
)
from freehold.flows.deploy_work import Deploy
from freehold.flows.read import read_served_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Work
from freehold.kit import git
from freehold.secrets.age import AgeStore
from freehold.targets.local import control, keys, listener, lock
from freehold.targets.local.fleet import Fleet
from freehold.targets.local.place import Place, identity_file, place_of


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for. `database_url` None means the embedded PostgreSQL; `port` 0 means any free one."""

    origin: str
    data: Path | None = None
    port: int = 8000
    database_url: Secret | None = None
    accept: frozenset[str] = frozenset()
    """Migrations that may take away what older releases need."""
    replay: bool = False
    """Whether an empty database gets every statement of git's history that applies, instead of the files strictly."""
    fill_from_types: bool = False
    """Whether tables that only the generated types know are made, closed to everybody but the service role."""
    fill_from_code: bool = False
    """Whether the same is done for tables and columns that nothing but the app's own queries names."""


def up(request: Request, report: Report) -> None:
    """Serve the app until SIGINT or SIGTERM.

    Reports `ready` when it answers. Raises FreeholdError with everything that was started stopped again; the data
    stays, and running again carries on.
    """
    place = place_of(request.origin, request.data)
    place.prepare()
    with lock.held(place.lock), listener.listen(request.port) as socket:
        work = _gather(request, place, report)
        work.url = "http://{}:{}".format(*socket.getsockname())
        work.fleet = Fleet(socket, place, lambda number: up_settings.settings(work, number))
        try:
            release = _bring_up(work, request, report)
            with control.serving(place.control, work.fleet, lambda: up_state.publish(work)):
                keep_up.until_stopped(work, report, _ready(work, release))
        finally:
            _stop(work)


def _bring_up(work: Work, request: Request, report: Report) -> int:
    """Start the database, make a release unless nothing has changed, and serve it; gives the live one's number."""
    target = local_target.local(work.place, work.fleet)
    with holding.held(target, "up") as (lease, note):
        move = Deploy(
            target=target,
            lease=lease,
            build=work,
            who=lease.holder,
            before=work.fleet.live,
            accept=request.accept,
            watch_seconds=0,
            respects_way_back=True,
        )
        try:
            apply(plan(work, move), report, Journal(work.place.journal))
        except MigrationFailed as error:
            error.hint += f"; or take every statement that applies: {up_schema.command(work, '--replay')}"
            raise
        up_schema.tell_of_missing_tables(work, report)
        note.about(move.number, tuple(step.title for step in plan(work, move).steps))
    up_state.publish(work)
    return move.number


def plan(work: Work, move: Deploy) -> Plan:
    """Say what has to happen, in order. The build comes before the migrations: an app that fails changes no data."""
    start, install = up_steps.StartDatabase(work), up_steps.InstallPlatform(work)
    return Plan(
        purpose=f"Bring up {work.app.name}",
        steps=(
            start,
            install,
            up_steps.BuildArtifact(work),
            *((up_schema.ReplayHistory(work, (start, install)),) if work.replay else ()),
            deploy_steps.ApplyMigrations(move),
            *((deploy_steps.ApplyEntities(move),) if deploy_steps.has_entities(work) else ()),
            *((up_schema.FillFromTypes(work),) if work.fill_from_types else ()),
            *((up_schema.FillFromQueries(work),) if work.fill_from_code else ()),
            *((up_mail_queue.WireMailQueue(work),) if up_mail_queue.has_queue(work) else ()),
            *((own_server.AdmitServerMigrations(move),) if own_server.has_one(work) else ()),
            deploy_steps.AddRelease(move),
            traffic_steps.StartBeside(move),
            traffic_steps.SwitchTraffic(move),
            arrival.PruneReleases(move, move.keep),
        ),
    )


def _gather(request: Request, place: Place, report: Report) -> Work:
    """Read the app and this place's keys; nothing is changed yet but the keys, on the first run."""
    report(Event(name="step-started", text=f"Read {git.redact(request.origin)}"))
    app = open_source(request.origin, place.work)
    inventory = read_served_app(app)
    store = AgeStore(place.secrets, identity_file())
    own = keys.load_or_make(AgeStore(place.keys, identity_file()))
    report(Event(name="step-finished", text="", values={"app": app.name, "builder": inventory.builder}))
    return Work(
        place=place,
        app=app,
        inventory=inventory,
        keys=own,
        secrets=store,
        database_url=request.database_url,
        replay=request.replay,
        fill_from_types=request.fill_from_types,
        fill_from_code=request.fill_from_code,
    )


def _ready(work: Work, release: int) -> Event:
    """Everything the first hour needs: addresses, what is unset and which functions need it."""
    versions = dict.fromkeys(work.secrets.names(), "")
    return Event(
        name="ready",
        values={
            "url": work.url,
            "api_url": work.url,
            "publishable_key": work.keys.publishable_key,
            "app": work.app.name,
            "mail_url": f"{work.url}/_freehold/mail",
            "mail_leaves": bool(snapshot.smtp(work, versions)),
            "unset_mail": list(snapshot.unset_mail(work, versions)),
            "data": str(work.place.root),
            "release": release,
            "server": own_server.described(work),
            "functions": sorted(work.function_names),
            "functions_not_startable": dict(work.functions_not_startable),
            "unset_secrets": {name: list(users) for name, users in work.unset_secrets(versions).items()},
            "unset_sign_in": _unset_sign_in(work),
            "unknowns": [f"{item.what}: {item.why}" for item in work.inventory.unknowns if item.what != "secrets"],
            "database": work.database.described,
        },
    )


def _unset_sign_in(work: Work) -> dict[str, list[str]]:
    unset = up_sign_in.unset(work.inventory, snapshot.auth(work, work.secrets.names()))
    return {name: list(secrets) for name, secrets in unset.items()}


def _stop(work: Work) -> None:
    work.place.state.unlink(missing_ok=True)
    work.fleet.stop_all()
    work.stop_database()
