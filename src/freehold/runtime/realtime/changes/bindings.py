"""What channels want to hear of: read from a join, and found again for a change. Pure."""

import zlib
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from freehold.runtime.realtime.changes import filters
from freehold.runtime.realtime.changes.filters import BadFilter, Filter
from freehold.runtime.realtime.changes.pgoutput import Change

EVENTS = ("*", "INSERT", "UPDATE", "DELETE")
Listener = TypeVar("Listener")


@dataclass(frozen=True, slots=True)
class Binding:
    """One `postgres_changes` of a join. `asked` goes back to the client, which compares it with what it sent."""

    id: int
    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...]
    columns: tuple[str, ...]
    """Only these, with those of the primary key; none for all."""
    asked: dict[str, Any] = field(compare=False, hash=False)

    def described(self) -> str:
        """For messages to the client, in Supabase's words."""
        text = self.asked.get("filter") or ""
        return f"[event: {self.event}, schema: {self.schema}, table: {self.table}, filters: [{text}]]"


def read(asked: object) -> Binding:
    """Read one; raises BadFilter."""
    if not isinstance(asked, dict):
        raise BadFilter("postgres_changes takes objects")
    event = str(asked.get("event", "*")).upper()
    schema, table = str(asked.get("schema") or "public"), str(asked.get("table") or "*")
    if event not in EVENTS:
        raise BadFilter(f"there is no event {event[:40]}")
    text = asked.get("filter") or ""
    conditions = filters.read(str(text))
    columns = _columns(asked.get("select"))
    if table == "*" and (conditions or columns):
        raise BadFilter("a filter or a selection of columns needs a table")
    shape = f"{schema}\0{table}\0{event}\0{text}\0{','.join(columns)}"
    return Binding(zlib.crc32(shape.encode()), event, schema, table, conditions, columns, dict(asked))


def _columns(selection: object) -> tuple[str, ...]:
    if not selection or selection == "*":
        return ()
    names = selection.split(",") if isinstance(selection, str) else selection
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadFilter("select takes names of columns")
    return tuple(name.strip() for name in names)


Entry = tuple[Listener, Binding]


@dataclass(slots=True)
class _Table(Generic[Listener]):
    by_value: dict[str, dict[str, dict[tuple[int, int], Entry[Listener]]]] = field(default_factory=dict)
    others: dict[tuple[int, int], Entry[Listener]] = field(default_factory=dict)


class Index(Generic[Listener]):
    """Finds who may be meant by a change without looking at everybody: most filters ask for one value of one column."""

    def __init__(self) -> None:
        """Nobody listens."""
        self._tables: dict[tuple[str, str], _Table[Listener]] = {}
        self.size = 0

    def add(self, listener: Listener, binding: Binding) -> None:
        """Let a listener hear of what a binding says."""
        table = self._tables.setdefault((binding.schema, binding.table), _Table())
        entries, name = table.others, (id(listener), id(binding))
        lookup = _lookup(binding)
        if lookup is not None:
            entries = table.by_value.setdefault(lookup[0], {}).setdefault(lookup[1], {})
        if name not in entries:
            entries[name] = (listener, binding)
            self.size += 1

    def remove(self, listener: Listener, binding: Binding) -> None:
        """Take it back; one that was not added changes nothing."""
        table = self._tables.get((binding.schema, binding.table))
        if table is None:
            return
        lookup = _lookup(binding)
        values = table.by_value.get(lookup[0], {}) if lookup is not None else {}
        entries = values.get(lookup[1], {}) if lookup is not None else table.others
        if entries.pop((id(listener), id(binding)), None) is None:
            return
        self.size -= 1
        if lookup is not None and not entries:
            del values[lookup[1]]
            if not values:
                del table.by_value[lookup[0]]

    def candidates(self, change: Change) -> list[Entry[Listener]]:
        """Those whose schema, table, event and indexed filter fit; the other filters are still to be decided."""
        found: list[Entry[Listener]] = []
        row = change.old if change.kind == "DELETE" else change.new
        for key in ((change.schema, change.table), (change.schema, "*"), ("*", change.table), ("*", "*")):
            table = self._tables.get(key)
            if table is None:
                continue
            found += table.others.values()
            for column, values in table.by_value.items():
                text = row.get(column)
                if text is not None:
                    found += values.get(text, {}).values()
        return [entry for entry in found if entry[1].event in ("*", change.kind)]


def _lookup(binding: Binding) -> tuple[str, str] | None:
    """The first column and text by which a change leads to this binding at once."""
    for condition in binding.filters:
        if condition.lookup is not None:
            return condition.column, condition.lookup
    return None
