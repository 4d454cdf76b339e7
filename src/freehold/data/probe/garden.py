"""What was planted: rows, and why there are none."""

from dataclasses import dataclass, field
from typing import Any

from freehold.data.probe.objects import Relation
from freehold.data.probe.stage import literal


@dataclass(frozen=True, kw_only=True)
class Row:
    """A planted row. `place` is a condition that finds it in its table and in the table's partitioned parents."""

    table: int
    ctid: str
    values: dict[str, Any]

    @property
    def place(self) -> str:
        """The row's own place."""
        return f"tableoid = {self.table} and ctid = {literal(self.ctid)}"


@dataclass
class Garden:
    """`rows` by relation and by `a`, `b` or `c`; `failures` say of other tables why they have none."""

    rows: dict[tuple[int, str], Row] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    sign_up: str = ""
    """Why signing up fails, "" when it works."""

    def row(self, relation: Relation, who: str) -> Row | None:
        """Find a planted row."""
        return self.rows.get((relation.oid, who))
