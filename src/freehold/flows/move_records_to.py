"""Bring a Base44 app's users, records and files to a server: the steps of move_records, through its SSH connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from freehold.core.plan import Report
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import holding, move_records, move_to, server_steps
from freehold.flows.move_records import RecordsWork, Request, Seen
from freehold.flows.move_served import Address
from freehold.flows.move_to_steps import CheckServer, EmptyServer
from freehold.releases import history
from freehold.targets.local.place import Place, place_of
from freehold.targets.server.target import ServerTarget


def run(to: str, request: Request, report: Report) -> dict[str, object]:
    """Move to a server, see move_records.run. The move holds the target's lock.

    `to` may be the address of a bare machine: it is made a server when the source was found to be one.
    """
    place = place_of(request.app, request.data)
    seen = move_records.look(request, place)
    target = move_to.server_of(move_to.prepare(to, request.app, report), request.app, request.data)
    with _work(seen, target, place, request) as work, holding.held(target, "move") as (lease, note):
        with move_to.renewed(target, lease):
            empty = (EmptyServer(target),) if request.starts_over else ()
            check = CheckServer(target, lambda: work.destination, _unknown_size)
            start = (*empty, server_steps.InstallPlatform(target), check)
            apply(move_records.plan(work, start), report, Journal(place.journal))
            note.about(0, source=work.source.described)
        return work.document


def compare(name: str, request: Request, report: Report) -> dict[str, object]:
    """Hold a server against the source again; its app may be live. Raises MoveDiffers."""
    target, place = move_to.server_of(name, request.app, request.data), place_of(request.app, request.data)
    with _work(move_records.look(request, place), target, place, request) as work:
        if history.live(target.releases()) is not None:
            work.served_at = Address(url=target.address, key=target.publishable_key)
        return move_records.compared(work, report)


@contextmanager
def _work(seen: Seen, target: ServerTarget, place: Place, request: Request) -> Iterator[RecordsWork]:
    place.prepare()
    papers = move_to.papers_at(target, place)
    with move_to.destination_at(target, papers) as there:
        work = move_records.work_of(seen, request, place, papers)
        work.there = there
        work.secrets = tuple(target.secret_versions())
        yield work


def _unknown_size() -> int:
    """Base44 says how many records there are, and not how large they are."""
    return 0
