"""Make a release of an app and serve it: build, bring over, migrate, start beside, look, switch, watch, prune."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from freehold.core.acting import SelfActing
from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.core.release import Lease
from freehold.core.target import Target
from freehold.core.target_name import LOCAL
from freehold.data import entities, migrations
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import arrival, deploy_steps, holding, own_server, snapshot, up_build
from freehold.flows.arrival import Arrival
from freehold.flows.deploy_work import Deploy
from freehold.flows.holding import Note
from freehold.flows.read import read_served_app
from freehold.flows.source import open_source
from freehold.flows.traffic_steps import WATCH_SECONDS
from freehold.flows.up_work import Build
from freehold.kit import git
from freehold.releases import history
from freehold.targets.local.place import Place


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for. `accept` names migrations that may take away what older releases need."""

    origin: str
    place: Place
    """Where builds are cached on this machine."""
    accept: frozenset[str] = frozenset()
    message: str = ""
    keep: int = history.KEEP
    watch_seconds: float = WATCH_SECONDS


def deploy(request: Request, target: Target, report: Report) -> None:
    """Deploy; the release before serves until the new one is healthy, and again when that gets sick.

    Nothing is locked while the app is built. Reports `deployed`. Raises FreeholdError with the traffic where it was.
    """
    build = gather(request, report)
    if own_server.has_one(build):
        build.interpreter = target.interpreter()
    report(Event(name="step-started", text="Build the site and fetch what its functions import"))
    up_build.build(build, report)
    report(Event(name="step-finished"))
    with holding.held(target, "deploy") as (lease, note):
        work = work_of(request, target, lease, build)
        made = plan(work)
        acting = target if isinstance(target, SelfActing) else None
        ours = made.steps[: -len(arrival.steps(work, work.keep))] if acting else made.steps
        try:
            apply(replace(made, steps=ours), _counted(report, 0, len(made.steps)), Journal(request.place.journal))
        finally:
            _tell(note, work, made)
        if acting:
            _arrive_there(acting, work, note, _counted(report, len(ours), len(made.steps)))
    report(Event(name="step-finished"))
    report(Event(name="deployed", values=_deployed(work)))


def _tell(note: Note, work: Deploy, made: Plan) -> None:
    note.about(work.number, tuple(step.title for step in made.steps), before=str(work.before))
    if work.restore_point:
        note.about(work.number, restore_point=work.restore_point)
    if work.accept:
        note.about(work.number, accepted=", ".join(sorted(work.accept)))


def _arrive_there(target: SelfActing, work: Deploy, note: Note, report: Report) -> None:
    """Have the rest done where the release lives; it writes the note and gives the lock back."""
    order = {"arrival": asdict(Arrival.of(work, work.keep)), "lease": asdict(work.lease), "act": asdict(note.act)}
    note.is_handed_over = True
    target.act("arrive", order, report)


def _counted(report: Report, before: int, of: int) -> Report:
    """Report steps as some of a plan's `of`, of which `before` came first."""

    def counted(event: Event) -> None:
        if "step" in event.values:
            event = replace(event, values=event.values | {"step": int(str(event.values["step"])) + before, "of": of})
        report(event)

    return counted


def plan(work: Deploy) -> Plan:
    """Say what has to happen after the build, in order."""
    return Plan(
        purpose=f"Deploy {work.build.app.name} to {work.target.name}",
        steps=(
            deploy_steps.CheckPlace(work),
            deploy_steps.PushParts(work),
            deploy_steps.ApplyMigrations(work),
            *((deploy_steps.ApplyEntities(work),) if deploy_steps.has_entities(work.build) else ()),
            *((own_server.AdmitServerMigrations(work),) if own_server.has_one(work.build) else ()),
            deploy_steps.AddRelease(work),
            *arrival.steps(work, work.keep),
        ),
    )


def gather(request: Request, report: Report) -> Build:
    """Read the app; nothing is changed."""
    request.place.prepare()
    report(Event(name="step-started", text=f"Read {git.redact(request.origin)}"))
    app = open_source(request.origin, request.place.work)
    inventory = read_served_app(app)
    report(Event(name="step-finished", values={"app": app.name, "builder": inventory.builder}))
    return Build(place=request.place, app=app, inventory=inventory)


def work_of(request: Request, target: Target, lease: Lease, build: Build) -> Deploy:
    """What the steps share at their start."""
    current = history.live(target.releases())
    return Deploy(
        target=target,
        lease=lease,
        build=build,
        who=lease.holder,
        before=current.release.number if current is not None else 0,
        message=request.message,
        accept=request.accept,
        keep=request.keep,
        watch_seconds=request.watch_seconds,
    )


def preview(request: Request, target: Target, report: Report) -> dict[str, object]:
    """Say what a deploy would do, without building or changing anything."""
    build = gather(request, report)
    current = history.live(target.releases())
    work = Deploy(
        target=target,
        lease=holding.nobody(),
        build=build,
        who=holding.me(),
        before=current.release.number if current is not None else 0,
        keep=request.keep,
        watch_seconds=request.watch_seconds,
    )
    with target.database() as (admin, owner):
        ahead = {**migrations.look(build.inventory.migrations, admin), **own_server.ahead(build, admin)}
        changes = entities.plan(build.inventory.records, owner) if deploy_steps.has_entities(build) else ()
    return {
        "purpose": plan(work).purpose,
        "live": work.before,
        "steps": ["Build the site and fetch what its functions import", *(step.title for step in plan(work).steps)],
        "migrations": [
            {
                "path": path,
                "closes": [f"line {item.line}: {item.object}: {item.reason}" for item in closings],
                "accept": Path(path).stem if closings else "",
            }
            for path, closings in ahead.items()
        ],
        "entities": [
            {"entity": change.entity, "title": change.title, "asks": change.asks, "takes": change.takes}
            for change in changes
        ],
        **_lacking(work),
    }


def _deployed(work: Deploy) -> dict[str, object]:
    return {
        "target": work.target.name,
        "release": work.number,
        "before": work.before,
        "changed": work.moves,
        "url": work.target.address,
        "restore_point": work.restore_point,
        **_lacking(work),
        "functions_not_startable": dict(work.build.functions_not_startable),
    }


def _lacking(work: Deploy) -> dict[str, object]:
    """Say what the app wants of its place that is not there; only this machine shows mail that has no way out."""
    versions = work.target.secret_versions()
    stays = work.target.name != LOCAL and not snapshot.smtp(work.build, versions)
    return {
        "unset_secrets": {name: list(users) for name, users in work.build.unset_secrets(versions).items()},
        "unset_mail": list(snapshot.unset_mail(work.build, versions)),
        "waits_for_mail": work.build.confirms_by_mail and stays,
    }
