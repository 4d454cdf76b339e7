"""Bring a Base44 app's users, records and files to a server: the steps of move_records, through its SSH connection."""

from freehold.core.plan import Report
from freehold.flows import move_records, move_to, server_steps
from freehold.flows.move_records import Request
from freehold.flows.move_records_steps import CompareRecords
from freehold.flows.move_to_steps import CheckServer, EmptyServer
from freehold.targets.local.place import place_of


def run(to: str, request: Request, report: Report) -> dict[str, object]:
    """Move to a server, see move_records.run. The move holds the target's lock.

    `to` may be the address of a bare machine: it is made a server when the source was found to be one.
    """
    place = place_of(request.app, request.data)
    seen = move_records.look(request, place)
    target = move_to.server_of(move_to.prepare(to, request.app, report), request.app, request.data)
    with move_to.at(target, place, lambda papers: move_records.work_of(seen, request, place, papers)) as work:
        empty = (EmptyServer(target),) if request.starts_over else ()
        start = (*empty, server_steps.InstallPlatform(target), CheckServer(target, work.destination))
        return move_to.carry_out(target, work, move_records.plan(work, start), report)


def compare(name: str, request: Request, report: Report) -> dict[str, object]:
    """Hold a server against the source again; its app may be live. Raises MoveDiffers."""
    target, place = move_to.server_of(name, request.app, request.data), place_of(request.app, request.data)
    seen = move_records.look(request, place)
    with move_to.at(target, place, lambda papers: move_records.work_of(seen, request, place, papers)) as work:
        return move_to.look_again(target, work, CompareRecords(work), report)
