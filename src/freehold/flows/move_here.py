"""A move into a place on this machine, whatever its source is."""

from freehold.core.errors import MoveRefused
from freehold.core.plan import Plan, Report, Step
from freehold.core.secret import Secret
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows.move_served import Address
from freehold.flows.move_work import Moving, running_destination
from freehold.flows.up_steps import StartDatabase
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, lock, state
from freehold.targets.local.place import Place, identity_file


def carry_out(work: Moving, plan: Plan, report: Report) -> dict[str, object]:
    """Do what a plan says; a database that it started ends with it. Gives the report."""
    try:
        apply(plan, report, Journal(work.place.journal))
    finally:
        work.up.stop_database()
    return work.document


def compare(work: Moving, step: Step, report: Report) -> dict[str, object]:
    """Hold the place against the source again by `step`; its app may be up. Raises MoveDiffers."""
    running = state.read(work.place.state)
    if running is None:
        with lock.held(work.place.lock):
            return carry_out(work, comparison(StartDatabase(work.up), step), report)
    access = database_access.read(AgeStore(work.place.keys, identity_file()))
    work.there = running_destination(work.place, access)
    work.served_at = Address(url=running.url, key=work.up.keys.publishable_key)
    return carry_out(work, comparison(step), report)


def comparison(*steps: Step) -> Plan:
    """The plan of a look that changes nothing."""
    return Plan(purpose="Compare with the source", steps=steps)


def refuse_new(place: Place, database_url: Secret | None, command: str) -> None:
    """Where nothing was made yet there is nothing to compare; `command` would move. Raises MoveRefused."""
    made = place.keys if database_url else place.postgres
    if not made.exists():
        raise MoveRefused("nothing was moved to this place yet", hint=command)
