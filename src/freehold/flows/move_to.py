"""Move to a server: its database through the SSH connection, its files as blobs, all under the target's own lock."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from freehold.core.errors import MoveRefused
from freehold.core.plan import Plan, Report, Step
from freehold.data.move import ledger
from freehold.data.move.destination import Destination
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import (
    holding,
    move,
    move_here,
    move_later,
    move_steps,
    server_add,
    server_steps,
    server_target,
    targets,
)
from freehold.flows.move_papers import Papers, papers_of, unfinished
from freehold.flows.move_served import Address
from freehold.flows.move_to_steps import CheckServer, EmptyServer, size_of
from freehold.flows.move_work import Moving, Request
from freehold.kit import postgres
from freehold.releases import history
from freehold.targets.local.place import Place, place_of
from freehold.targets.server.objects import ServerFiles
from freehold.targets.server.target import ServerTarget

Work = TypeVar("Work", bound=Moving)


def name_of(to: str) -> str:
    """The name of the target that `to` is, or will be."""
    return server_add.NAME if "@" in to else to


def prepare(to: str, app: str, report: Report) -> str:
    """Make the machine at USER@ADDRESS the server of the app, where `to` is an address; gives the target's name."""
    if "@" not in to:
        return to
    name, there = server_add.NAME, server_add.name_of(Path(app).resolve())
    known = targets.read().get(name)
    if known is not None and (known.get("address"), known.get("app")) == (to, there):
        return name
    if known is not None:
        raise MoveRefused(
            f"the target {name} is another place",
            detail=f"{known.get('app')} on {known.get('address')}, not {there} on {to}",
            hint=f"freehold server add {to} --app {there} --name OTHER, then freehold move --to OTHER",
        )
    wanted = server_add.Request(address=to, app=there, cache=server_target.cache())
    server_add.add_target(wanted, report, Journal(server_target.cache() / "server-add.jsonl"))
    return name


def run(to: str, request: Request, report: Report) -> dict[str, object]:
    """Move to a server, see move.run. Nothing is deployed there meanwhile: the move holds the target's lock.

    `to` may be the address of a bare machine: it is made a server when the source was found to be one.
    """
    place = place_of(request.app, request.data)
    if "@" not in to:
        server_of(to, request.app, request.data)  # an unknown name is told before a large source is read
    with move.looked_at(request, place, report) as seen:
        target = server_of(prepare(to, request.app, report), request.app, request.data)
        with at(target, place, lambda papers: move.work_of(seen, request, place, papers)) as work:
            empty = (EmptyServer(target),) if request.starts_over else ()
            check = CheckServer(target, work.destination, size_of(work.source), lambda: move_later.adds(work))
            start = (*empty, server_steps.InstallPlatform(target), check)
            return carry_out(target, work, move.plan(work, start), report)


def compare(name: str, request: Request, report: Report) -> dict[str, object]:
    """Hold a server against the source again; its app may be live. Raises MoveDiffers."""
    target, place = server_of(name, request.app, request.data), place_of(request.app, request.data)
    with (
        move.looked_at(request, place, report) as seen,
        at(target, place, lambda papers: move.work_of(seen, request, place, papers)) as work,
    ):
        return look_again(target, work, move_steps.CompareEverything(work), report)


def last_report(name: str, app: str, data: Path | None) -> tuple[dict[str, object], Path]:
    """Give the report of the last run from the server itself, and write its page here."""
    target, papers = server_of(name, app, data), papers_of(place_of(app, data), name)
    with target.database() as (admin, _), postgres.connect(admin) as connection:
        if ledger.status(connection) in ("copying", "copied"):
            raise unfinished(ledger.source(connection))
        found = ledger.report(connection)
    if not isinstance(found, dict):
        raise MoveRefused(f"nothing was moved to {name} yet", hint=f"freehold move --from SOURCE --to {name}")
    document: dict[str, object] = dict(found) | {"page": str(papers.page)}
    papers.page.parent.mkdir(parents=True, exist_ok=True)
    papers.keep(document)
    return document, papers.page


def server_of(name: str, app: str, data: Path | None) -> ServerTarget:
    """Open a target that is a server; raises MoveRefused for another."""
    found = targets.open_target(name, app, data)
    if not isinstance(found, ServerTarget):
        raise MoveRefused(f"{name} is no server", hint="freehold move --to NAME, a target of: freehold server add")
    return found


@contextmanager
def at(target: ServerTarget, place: Place, work_of: Callable[[Papers], Work]) -> Iterator[Work]:
    """Aim a move at a server: its database through the SSH connection, its files, the names of its secrets."""
    place.prepare()
    papers = papers_of(place, target.name, described=f"{target.name} ({target.address})")
    with target.database() as (admin, owner), tempfile.TemporaryDirectory(prefix="freehold-files-") as folder:
        work = work_of(papers)
        work.there = Destination(
            admin_dsn=admin,
            owner_dsn=owner,
            owner=postgres.parameters(owner).get("user", "postgres"),
            described=papers.target,
            files=ServerFiles(target.agent, target.app, Path(folder)),
            far=target.digest_rows,
        )
        work.secrets = tuple(target.secret_versions())
        yield work


def carry_out(target: ServerTarget, work: Moving, plan: Plan, report: Report) -> dict[str, object]:
    """Do what a plan says under the target's lock, and write it into the target's trail. Gives the report."""
    with holding.held(target, "move") as (_, note):
        apply(plan, report, Journal(work.place.journal))
        note.about(0, source=work.source.described)
    return work.document


def look_again(target: ServerTarget, work: Moving, step: Step, report: Report) -> dict[str, object]:
    """Hold a server against the source again by `step`. Raises MoveDiffers."""
    if history.live(target.releases()) is not None:
        work.served_at = Address(url=target.address, key=target.publishable_key)
    apply(move_here.comparison(step), report, Journal(work.place.journal))
    return work.document
