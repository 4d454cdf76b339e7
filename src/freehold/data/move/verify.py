"""Hold the target against the source: every row of every table, sequences, foreign keys, files, objects and users."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import baseline, checks, decisions, digests, ledger
from freehold.data.move.checks import Count, Sequence_
from freehold.data.move.destination import Destination, FilePlace
from freehold.data.move.digests import Compared, Row
from freehold.data.move.known import known_target
from freehold.data.move.ledger import Item
from freehold.data.move.loading import target_columns
from freehold.data.sources.toc import Entry, Source
from freehold.kit import postgres
from freehold.kit.objects.store import object_key
from freehold.platform.credentials import passwords


@dataclass(frozen=True, kw_only=True)
class Files:
    """Uploaded files: `fetched` with their bytes, `broken` are those whose bytes are not what was fetched."""

    fetched: int
    bytes: int
    broken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Everything that was compared."""

    items: tuple[Item, ...]
    tables: tuple[Compared, ...]
    sequences: tuple[Sequence_, ...]
    foreign_keys: dict[str, int]
    counts: tuple[Count, ...]
    files: Files
    users: dict[str, int]
    """Users by the kind of their password's hash."""
    doubt: str
    """What the source could not be held against, as a sentence; "" for nothing."""
    lost: tuple[str, ...]
    """Objects that were here when the move ended and are not any more."""

    @property
    def faults(self) -> tuple[str, ...]:
        """One sentence for each thing that is not as at the source; () is what everybody wants."""
        open_items = [
            f"{item.shown}: {item.note or 'not made'}" for item in self.items if item.outcome in ("", "failed")
        ]
        tables = [
            f"{table.name}: {table.source.rows} rows at the source, {table.target.rows} here"
            if table.source.rows != table.target.rows
            else f"{table.name}: rows differ"
            for table in self.tables
            if not table.is_equal
        ]
        lagging = [
            f"sequence {item.name} lags: {item.source} there, {item.target} here"
            for item in self.sequences
            if item.lags
        ]
        counted = [
            f"{item.name}: {item.source} at the source, {item.target} here" for item in self.counts if not item.is_equal
        ]
        broken = [f"file {name}: its bytes are not those of the source" for name in self.files.broken]
        lost = [f"is gone since the move: {line}" for line in self.lost]
        dangling = [
            f"foreign key {name}: {count} rows point to nothing"
            for name, count in self.foreign_keys.items()
            if count and tables
        ]
        return (*open_items, *tables, *lagging, *counted, *broken, *lost, *dangling)

    def document(self) -> dict[str, object]:
        """The report for machines. No value of a row stands in it but the first column of rows that differ."""
        return {
            "equal": not self.faults,
            "doubt": self.doubt,
            "faults": list(self.faults),
            "ledger": ledger_document(self.items),
            "tables": [
                {
                    "name": table.name,
                    "rows_source": table.source.rows,
                    "rows_target": table.target.rows,
                    "equal": table.is_equal,
                    "only_source": list(table.only_source),
                    "only_target": list(table.only_target),
                }
                for table in self.tables
            ],
            "sequences": [asdict(item) for item in self.sequences],
            "foreign_keys": {
                "checked": len(self.foreign_keys),
                "broken": {k: v for k, v in self.foreign_keys.items() if v},
            },
            "counts": [{"name": item.name, "source": item.source, "target": item.target} for item in self.counts],
            "files": asdict(self.files),
            "users": self.users,
            "lost": list(self.lost),
        }


def ledger_document(items: Sequence[Item]) -> dict[str, object]:
    """The ledger as the report tells it: it adds up to 100 %, or something is open."""
    outcomes = Counter(item.outcome or "open" for item in items)
    settled = sum(count for name, count in outcomes.items() if name not in ("open", "failed"))
    return {
        "objects": len(items),
        "percent": 100.0 if settled == len(items) else round(100 * settled / max(1, len(items)), 2),
        "outcomes": dict(outcomes),
        "left": [{"what": item.shown, "why": item.note} for item in items if item.outcome == "left"],
        "notes": [{"what": item.shown, "note": item.note} for item in items if item.outcome == "moved" and item.note],
    }


def verify(source: Source, destination: Destination, report: Report) -> Verified:
    """Compare everything; nothing is changed at either end."""
    with destination.admin() as admin:
        entries = tuple(entry for entry in source.entries() if entry.kind not in decisions.SETTINGS)
        items = _items(admin, source, entries, destination.owner)
        moved = [entry for entry in entries if items[entry.number].outcome == "moved"]
        report(Event(name="step-started", text="Compare every row of every table"))
        tables = compare_tables(source, moved, items, admin, report, destination.far)
        report(Event(name="step-started", text="Check sequences, foreign keys, files and users"))
        sequences = checks.sequences(admin, [entry for entry in moved if entry.kind == "SEQUENCE SET"])
        pairs = _row_pairs(tables)
        return Verified(
            items=tuple(items.values()),
            tables=tables,
            sequences=sequences,
            foreign_keys=checks.foreign_keys(admin),
            counts=checks.counts(admin, moved, pairs),
            files=files_of(admin, destination.files),
            users=users_of(admin),
            doubt=source.doubt,
            lost=baseline.lost(admin),
        )


def _items(admin: postgres.Connection, source: Source, entries: Sequence[Entry], owner: str) -> dict[int, Item]:
    """The ledger by the numbers of this source's entries.

    The database itself may be held against what was moved from its dump, or may have another table since, or show
    this role more than the one before: its entries have other numbers then, and those that the ledger does not know
    are missing here.
    """
    items = ledger.items(admin)
    if ledger.identity(admin) == source.identity and all(_is_of(items.get(entry.number), entry) for entry in entries):
        return items
    known: dict[tuple[str, str, str], list[Item]] = {}
    for item in items.values():
        known.setdefault((item.kind, item.schema, item.name), []).append(item)
    target = known_target(admin, owner)
    found: dict[int, Item] = {}
    for entry in entries:
        same = known.get((entry.kind, entry.schema, entry.name))
        found[entry.number] = same.pop(0) if same else _missing(entry, decisions.decide(entry, target))
    rest = (item for same in known.values() for item in same)
    return found | dict(enumerate(rest, max(found, default=0) + 1))


def _is_of(item: Item | None, entry: Entry) -> bool:
    return item is not None and (item.kind, item.schema, item.name) == (entry.kind, entry.schema, entry.name)


def _missing(entry: Entry, decision: decisions.Decision) -> Item:
    """What was not in the dump; where it would not have been moved either, that is no fault."""
    outcome = "" if decision.outcome == "moved" else decision.outcome
    return Item(
        position=entry.number, kind=entry.kind, schema=entry.schema, name=entry.name, way="", outcome=outcome,
        note=decision.note if outcome else "is at the source and was not in what was moved", token="",
    )  # fmt: skip


def compare_tables(  # noqa: PLR0913, PLR0917 - both ends, and what was decided about them
    source: Source,
    entries: Sequence[Entry],
    items: dict[int, Item],
    admin: postgres.Connection,
    report: Report,
    far: digests.Far | None = None,
) -> tuple[Compared, ...]:
    """Compare the rows of every table that was moved."""
    chosen = [entry for entry in entries if entry.kind == "TABLE DATA" and is_compared(items[entry.number])]
    found = []
    for number, entry in enumerate(chosen, 1):
        have = set(target_columns(admin, entry)) - _rewritten(entry, admin)
        columns = [name for name in source.columns(entry) if name in have]
        found.append(digests.compare(source, entry, columns, admin, _left_out(entry, admin), far))
        text = f"{number} of {len(chosen)} tables: {entry.schema}.{entry.name}"
        report(Event(name="progress", text=text, values={"what": "compared", "done": number, "of": len(chosen)}))
    return tuple(found)


def is_compared(item: Item) -> bool:
    """Whether an item is rows that are the same at both ends."""
    return item.way.startswith("rows") or item.way == "files"


def _rewritten(entry: Entry, admin: postgres.Connection) -> set[str]:
    """Columns whose old addresses were rewritten after they had been compared."""
    kept = ledger.setting(admin, "rewritten_columns")
    start = sql.Identifier(entry.schema, entry.name).as_string(admin) + "."
    places = [str(item) for item in kept] if isinstance(kept, list) else []
    return {place.removeprefix(start) for place in places if place.startswith(start)}


def _left_out(entry: Entry, admin: postgres.Connection) -> Callable[[Row], bool] | None:
    """Rows of the source that are not here on purpose: the old platform's export, and files without bytes."""
    if (entry.schema, entry.name) == ("storage", "buckets"):
        return lambda row: (row["id"] or "").startswith("database_export_")
    if (entry.schema, entry.name) != ("storage", "objects"):
        return None
    rows = admin.execute("select bucket, name from freehold.move_files where outcome = 'missing'").fetchall()
    ghosts = {(str(row[0]), str(row[1])) for row in rows}
    return lambda row: (
        (row["bucket_id"] or "").startswith("database_export_") or (row["bucket_id"], row["name"]) in ghosts
    )


def _row_pairs(tables: Sequence[Compared]) -> dict[str, tuple[int, int]]:
    names = {"auth.users": "auth_users", "auth.identities": "auth_identities", "storage.buckets": "storage_buckets",
             "storage.objects": "storage_objects"}  # fmt: skip
    return {names[t.name]: (t.source.rows, t.target.rows) for t in tables if t.name in names}


def users_of(admin: postgres.Connection) -> dict[str, int]:
    """Count users by the kind of their password's hash."""
    found: Counter[str] = Counter()
    with admin.transaction(), admin.cursor(name="users") as cursor:
        cursor.execute("select encrypted_password from auth.users")
        for (stored,) in cursor:
            found[passwords.kind_of_hash(str(stored or ""))] += 1
    return dict(found)


def files_of(admin: postgres.Connection, files: FilePlace) -> Files:
    """Hash every file that was moved again."""
    rows = admin.execute(
        "select bucket, name, version, size, sha256 from freehold.move_files where outcome <> 'missing' order by 1, 2"
    ).fetchall()
    keys = [object_key(str(row[0]), str(row[1]), str(row[2])) for row in rows]
    found = asyncio.run(files.digests(keys))
    broken = [f"{row[0]}/{row[1]}" for row, digest in zip(rows, found, strict=True) if digest != row[4]]
    return Files(fetched=len(rows), bytes=sum(int(str(row[3] or 0)) for row in rows), broken=tuple(broken))
