"""Reads the messages of PostgreSQL's own output plugin, protocol 1: changes of rows with values as text. Pure.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

import struct
from dataclasses import dataclass, field
from typing import Any

EPOCH_MS = 946_684_800_000
"""2000-01-01 in Unix milliseconds."""
KINDS = {"I": "INSERT", "U": "UPDATE", "D": "DELETE"}
RECORD_LIMIT_BYTES = 1024 * 1024
LARGE_VALUE_BYTES = 64

Tuple = dict[str, str | None]
"""Values by column; a column whose stored value was not changed and not logged is missing."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it was when the change was made."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    identity: tuple[str, ...]
    """The columns by which changed rows are named: the primary key, all with REPLICA IDENTITY FULL."""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed row. `new` is empty for DELETE; `old` holds what the replica identity gives."""

    kind: str
    oid: int
    schema: str
    table: str
    new: Tuple
    old: Tuple
    at_ms: int
    lsn: int
    """Where the transaction's commit stands in the write-ahead log: a later transaction has a greater one."""
    number: int
    """Its place in the transaction, from 1."""
    too_large: bool = False

    def plain(self) -> list[Any]:
        """As JSON values, for other processes."""
        return [
            self.kind,
            self.oid,
            self.schema,
            self.table,
            self.new,
            self.old,
            self.at_ms,
            self.lsn,
            self.number,
            self.too_large,
        ]


@dataclass(slots=True)
class Decoder:
    """Turns the messages of committed transactions into changes, one by one."""

    relations: dict[int, Relation] = field(default_factory=dict)
    reached: int = 0
    """End of the last transaction that was read to its end."""
    _at_ms: int = 0
    _lsn: int = 0
    _number: int = 0

    def feed(self, message: bytes) -> Change | None:
        """Read one message; give the change, if it is one."""
        kind = chr(message[0])
        if kind == "B":
            self._lsn, at = struct.unpack_from(">qq", message, 1)
            self._at_ms = EPOCH_MS + at // 1000
            self._number = 0
        elif kind == "R":
            relation = _relation(message)
            self.relations[relation.oid] = relation
        elif kind == "C":
            self.reached = struct.unpack_from(">q", message, 10)[0]
        elif kind in KINDS:
            return self._change(kind, message)
        return None

    def _change(self, kind: str, message: bytes) -> Change:
        relation = self.relations[struct.unpack_from(">I", message, 1)[0]]
        new, old = _row(message, relation)
        if kind == "U":
            if not old:
                old = {name: new[name] for name in relation.identity if name in new}
            # What was stored aside and not changed is not logged again, but an old row that was logged whole has it.
            new = {**{name: value for name, value in old.items() if name not in new}, **new}
        too_large = len(message) > RECORD_LIMIT_BYTES
        if too_large:
            new, old = _small(new), _small(old)
        self._number += 1
        table = (relation.oid, relation.schema, relation.name)
        return Change(KINDS[kind], *table, new, old, self._at_ms, self._lsn, self._number, too_large)


def _row(message: bytes, relation: Relation) -> tuple[Tuple, Tuple]:
    """The new and the old row of a message, each empty if it is not there."""
    at, new, old = 5, Tuple(), Tuple()
    while at < len(message):
        part = chr(message[at])
        values, at = _tuple(message, at + 1, relation.columns)
        if part == "N":
            new = values
        elif part == "O":
            old = values
        else:  # only the key; the other columns are sent as NULL and mean nothing
            old = {name: values.get(name) for name in relation.identity}
    return new, old


def changes_from(plain: list[list[Any]]) -> list[Change]:
    """Read what Change.plain gave."""
    return [Change(*values) for values in plain]


def _small(values: Tuple) -> Tuple:
    return {name: text for name, text in values.items() if text is None or len(text.encode()) <= LARGE_VALUE_BYTES}


def _relation(message: bytes) -> Relation:
    oid = struct.unpack_from(">I", message, 1)[0]
    schema, at = _string(message, 5)
    name, at = _string(message, at)
    count = struct.unpack_from(">H", message, at + 1)[0]
    at += 3
    columns, identity = [], []
    for _ in range(count):
        is_key = message[at] & 1
        column, at = _string(message, at + 1)
        columns.append(column)
        if is_key:
            identity.append(column)
        at += 8
    return Relation(oid, schema or "pg_catalog", name, tuple(columns), tuple(identity))


def _tuple(message: bytes, at: int, columns: tuple[str, ...]) -> tuple[Tuple, int]:
    count = struct.unpack_from(">H", message, at)[0]
    at += 2
    values: Tuple = {}
    for name in columns[:count]:
        kind = message[at]
        at += 1
        if kind == ord("n"):
            values[name] = None
        elif kind == ord("t"):
            size = struct.unpack_from(">I", message, at)[0]
            values[name] = message[at + 4 : at + 4 + size].decode("utf-8", "replace")
            at += 4 + size
    return values, at


def _string(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(0, at)
    return message[at:end].decode(), end + 1
