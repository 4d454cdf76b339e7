"""What a plan did, line by line, so that a killed run can be explained."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path


class Journal:
    """An append-only JSON-lines file; each line is on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        """Lines are added to `path`; its folder must exist."""
        self._path = path

    def write(self, act: str, what: str) -> None:
        """Add one line: `act` is plan, started, finished, failed, undone or applied."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "act": act, "what": what})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
