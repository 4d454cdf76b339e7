"""The steps of a move of records: make the tables, bring everything, compare everything."""

from dataclasses import dataclass

from freehold.core.event import Event
from freehold.core.inventory import Inventory
from freehold.core.plan import Report
from freehold.data import entities
from freehold.data.records import run as records
from freehold.data.records import verify
from freehold.data.records.pages import Source
from freehold.flows import move_later, move_steps
from freehold.flows.move_work import Moving


@dataclass(kw_only=True)
class RecordsWork(Moving):
    """The move of an app's users, records and files."""

    inventory: Inventory
    source: Source


@dataclass(frozen=True)
class MakeTables:
    """Tables for the entities in the app's files and code; a target that was served has those of its release."""

    work: RecordsWork
    title: str = "Make the entities' tables"

    def done(self) -> bool:
        """Never asked of the disk: the database knows."""
        return False

    def run(self, report: Report) -> None:
        """Make them, where no other source and nobody's records are. Raises MoveRefused."""
        work = self.work
        move_later.refuse_when_in_use(work.destination, "freehold move base44 --verify")
        records.begin(work.source, work.destination)
        work.papers.begin(work.source.described)
        if work.there is None and any(work.place.releases.iterdir()):
            return
        found = [item for item in work.inventory.records if item.kind == "entity"]
        entities.apply(found, owner_dsn=work.destination.owner_dsn, report=report)

    def undo(self) -> bool:
        """Nothing: empty tables do no harm, and the next run fills them."""
        return False


@dataclass(frozen=True)
class BringRecords:
    """Users, records and files."""

    work: RecordsWork

    @property
    def title(self) -> str:
        """Say from where."""
        return f"Copy everything from {self.work.source.described}"

    def done(self) -> bool:
        """Never asked of the disk: the ledger in the database knows what is there."""
        return False

    def run(self, report: Report) -> None:
        """Copy what is missing; raises MoveFailed."""
        records.move(self.work.source, self.work.destination, report)
        with self.work.destination.app() as app:
            app.execute("analyze")

    def undo(self) -> bool:
        """Nothing: what is copied is marked, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class CompareRecords:
    """Every user, every record, every file."""

    work: RecordsWork
    title: str = "Compare everything with the source"

    def done(self) -> bool:
        """Never: comparing is the point."""
        return False

    def run(self, report: Report) -> None:
        """Compare and write the report; raises MoveDiffers."""
        work = self.work
        destination = move_steps.moved_to(work, "freehold move base44")
        with destination.app() as app:
            known = records.known_entities(app)
        found = verify.verify(work.source, destination, known, report)
        if work.source.requests:
            report(Event(name="note", text=f"{work.source.requests} requests were sent to the source"))
        with destination.admin() as admin:
            move_steps.settle(work, admin, found, {})

    def undo(self) -> bool:
        """Nothing was changed."""
        return False
