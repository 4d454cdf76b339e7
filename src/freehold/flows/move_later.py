"""What can still be brought to a place that was equal once: files that were left, and new addresses for old ones.

Rows are not copied again there, because the app's users may have written since.
"""

from dataclasses import asdict, dataclass

from freehold.core.errors import MoveDiffers, MoveRefused
from freehold.core.plan import Report
from freehold.data.move import ledger, verify
from freehold.data.move.destination import Destination
from freehold.data.move.files import FileMover
from freehold.data.move.ledger import Item
from freehold.data.sources.toc import Entry
from freehold.flows.move_work import MoveWork


def is_asked(work: MoveWork) -> bool:
    """Whether the place was equal once and something is asked for that it lacks; raises MoveRefused when nothing is.

    Only when the database runs and has the platform in it.
    """
    if work.is_later is None:
        work.is_later = adds(work)
        if not work.is_later:
            refuse_when_in_use(work.destination, "freehold move verify --from SOURCE")
    return work.is_later


def adds(work: MoveWork) -> bool:
    """Whether the place was equal to this source once, and something is asked for that it lacks."""
    with work.destination.admin() as admin:
        if ledger.status(admin) != "equal" or ledger.identity(admin) != work.source.identity:
            return False
        lacks_files = work.files is not None and _open_files(work, ledger.items(admin)) is not None
    return lacks_files or bool(work.request.rewrite_to)


def refuse_when_in_use(destination: Destination, command: str) -> None:
    """Once everything was equal the app may have been used here: copying again would take its new rows away."""
    with destination.admin() as admin:
        row = admin.execute("select status, source from freehold.moves").fetchone()
    if row is not None and row[0] == "equal":
        raise MoveRefused(
            "this place was moved to already, and was equal to its source then",
            detail=f"from {row[1]}",
            hint=f"{command}   compares again without changing anything",
        )


def _open_files(work: MoveWork, items: dict[int, Item]) -> tuple[Entry, Item] | None:
    """Where the source has its files' rows, and the ledger's line about them; by name, as a live source goes on."""
    lines = [item for item in items.values() if item.way == "files" and item.outcome != "moved"]
    for entry in work.source.entries() if lines else ():
        if (entry.kind, entry.schema, entry.name) == ("TABLE DATA", "storage", "objects"):
            return entry, lines[0]
    return None


@dataclass(frozen=True)
class BringLeftFiles:
    """Files that the move had left: nobody had said where they are."""

    work: MoveWork
    title: str = "Fetch the uploaded files that were left"

    def done(self) -> bool:
        """Whether the move itself brings them, or nobody asks."""
        return not is_asked(self.work) or self.work.files is None

    def run(self, report: Report) -> None:
        """Add rows and bytes of files that are not here; what users have uploaded since stays. Raises MoveDiffers."""
        work = self.work
        assert work.files is not None  # noqa: S101 - `done` has looked
        with work.destination.admin() as admin:
            found = _open_files(work, ledger.items(admin))
            if found is not None:
                mover = FileMover(
                    source=work.source, files=work.files, admin=admin, place=work.destination.files, report=report
                )
                mover.add(*found)
            kept = ledger.report(admin)
            files = verify.files_of(admin, work.destination.files)
            work.document = (dict(kept) if isinstance(kept, dict) else {}) | {
                "files": asdict(files),
                "ledger": verify.ledger_document(tuple(ledger.items(admin).values())),
            }
            ledger.set_status(admin, "equal", work.document)
        work.papers.keep(work.document)
        if files.broken:
            raise MoveDiffers(
                f"{len(files.broken)} files have other bytes here than at the source",
                detail="\n".join(files.broken[:12]),
                hint=f"the whole report: {work.papers.page}",
            )

    def undo(self) -> bool:
        """Nothing: what is here is not fetched twice."""
        return False
