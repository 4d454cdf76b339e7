"""The step that makes the tables of an app whose records are described by JSON schemas."""

from dataclasses import dataclass

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data import entities
from freehold.flows.up_work import Work


def described(work: Work) -> bool:
    """Whether the app keeps records that no migration creates and a schema describes, or should."""
    return any(item.kind == "entity" for item in work.inventory.records)


@dataclass(frozen=True)
class ApplyEntities:
    """The tables, their rules as policies, and what changed since the last time."""

    work: Work
    title: str = "Make the tables of the app's entities, with their rules"

    def done(self) -> bool:
        """Never: `apply` knows what is there."""
        return False

    def run(self, report: Report) -> None:
        """Apply what is new; raises MigrationFailed with every table as it was."""
        work = self.work
        owner = work.database.dsn(work.owner_role, work.keys.owner_password)
        changes = entities.apply(work.inventory.records, owner_dsn=owner, report=report)
        inferred = sorted(item.name for item in work.inventory.records if not item.declared and item.kind == "entity")
        if changes and inferred:
            text = f"no file describes {', '.join(inferred)}: such a record is for its maker and for admins only, "
            report(Event(name="warning", text=text + "until base44/entities/<name>.jsonc says otherwise"))
        work.schema_revision = f"{work.schema_revision}+{entities.revision(work.inventory.records)}"

    def undo(self) -> bool:
        """Nothing: a change loses no value, and the next run goes on from it."""
        return False
