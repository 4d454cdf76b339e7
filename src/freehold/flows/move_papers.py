"""The report of a move as it lies on this machine: one file for machines, one page for people."""

import json
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import MoveFailed, MoveRefused
from freehold.flows import move_report
from freehold.kit import private
from freehold.targets.local import state
from freehold.targets.local.place import Place


@dataclass(frozen=True, kw_only=True)
class Papers:
    """Where a move's report lies on this machine."""

    report: Path
    page: Path
    target: str
    """The place that it is about, for people."""

    @property
    def begun(self) -> Path:
        """What a move that has not ended yet leaves: its source, and the process that is at it."""
        return self.report.with_suffix(".begun")

    def begin(self, source: str) -> None:
        """Say that a move has begun; what an earlier one found is not true any more."""
        pid, started = state.me()
        private.replace(self.begun, json.dumps({"source": source, "pid": pid, "started": started}).encode())

    def keep(self, document: dict[str, object]) -> None:
        """Write it for machines and for people."""
        self.begun.unlink(missing_ok=True)
        private.replace(self.report, json.dumps(document, indent=1, ensure_ascii=False).encode())
        private.replace(self.page, move_report.page(document).encode())

    def last(self) -> dict[str, object]:
        """Give the report of the last run; raises MoveRefused when nothing was moved to this place."""
        if self.begun.exists():
            begun = json.loads(self.begun.read_text())
            is_running = state.start_time(begun["pid"]) == begun["started"]
            raise unfinished(begun["source"], begun["pid"] if is_running else None)
        if not self.report.exists():
            raise MoveRefused("nothing was moved to this place yet", hint="freehold move --from SOURCE --app FOLDER")
        found: dict[str, object] = json.loads(self.report.read_text())
        return found


def unfinished(source: str, pid: int | None = None) -> MoveFailed:
    """Make the error that says that a move has not come to its end."""
    return MoveFailed(
        f"the move from {source} has not ended" + (f": process {pid} is at it" if pid else ""),
        hint="wait for it" if pid else "run the same freehold move again: it goes on where it stopped",
    )


def papers_of(place: Place, name: str = "", *, described: str = "") -> Papers:
    """Where the report is about this machine's place, or about the target `name`."""
    stem, root = f"move-report-{name}" if name else "move-report", place.root.resolve()
    found = root / f"{stem}.json"
    return Papers(report=found, page=found.with_suffix(".html"), target=described or str(root))
