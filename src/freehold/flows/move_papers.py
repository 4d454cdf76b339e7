"""The report of a move as it lies on this machine: one file for machines, one page for people."""

import json
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import MoveRefused
from freehold.flows import move_report
from freehold.kit import private
from freehold.targets.local.place import Place


@dataclass(frozen=True, kw_only=True)
class Papers:
    """Where a move's report lies on this machine."""

    report: Path
    page: Path
    target: str
    """The place that it is about, for people."""

    def keep(self, document: dict[str, object]) -> None:
        """Write it for machines and for people."""
        private.replace(self.report, json.dumps(document, indent=1, ensure_ascii=False).encode())
        private.replace(self.page, move_report.page(document).encode())

    def last(self) -> dict[str, object]:
        """Give the report of the last run; raises MoveRefused when nothing was moved to this place."""
        if not self.report.exists():
            raise MoveRefused("nothing was moved to this place yet", hint="freehold move --from SOURCE")
        found: dict[str, object] = json.loads(self.report.read_text())
        return found


def papers_of(place: Place, name: str = "", *, described: str = "") -> Papers:
    """Where the report is about this machine's place, or about the target `name`."""
    stem = f"move-report-{name}" if name else "move-report"
    found = place.root / f"{stem}.json"
    return Papers(report=found, page=found.with_suffix(".html"), target=described or str(place.root))
