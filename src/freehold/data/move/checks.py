"""What is compared beside rows: sequences, foreign keys, and the counts that others of this field publish."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from psycopg import sql

from freehold.data.sources.toc import Entry
from freehold.kit import postgres

_SET = re.compile(r"setval\('(?P<name>(?:[^']|'')+)', (?P<value>-?\d+), (?P<called>true|false)\)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Sequence_:  # noqa: N801 - typing has taken the other name
    """A sequence at both ends; `lags` when it would give out a number that the source has used."""

    name: str
    source: int
    target: int | None
    lags: bool


@dataclass(frozen=True, kw_only=True)
class Count:
    """One of the counts."""

    name: str
    source: int
    target: int

    @property
    def is_equal(self) -> bool:
        """Whether both ends agree."""
        return self.source == self.target


def sequences(admin: postgres.Connection, entries: Sequence[Entry]) -> tuple[Sequence_, ...]:
    """Hold each sequence that was moved against the source's value. One that has gone on since is no fault."""
    found = []
    for entry in entries:
        match = _SET.search(entry.definition)
        if match is None:
            continue
        name = sql.Identifier(entry.schema, entry.name)
        exists = admin.execute("select to_regclass(%s)", (name.as_string(admin),)).fetchone()
        if exists is None or exists[0] is None:
            found.append(Sequence_(name=_shown(entry), source=int(match["value"]), target=None, lags=True))
            continue
        row = admin.execute(
            sql.SQL("select s.last_value, s.is_called, q.seqincrement < 0 from {} as s, pg_catalog.pg_sequence as q"
                    " where q.seqrelid = %s::regclass").format(name),
            (name.as_string(admin),),
        ).fetchone()  # fmt: skip
        last, called, falls = (int(str(row[0])), bool(row[1]), bool(row[2])) if row else (0, False, False)
        wanted = int(match["value"]), match["called"].lower() == "true"
        behind = last > wanted[0] if falls else last < wanted[0]
        lags = behind or (last == wanted[0] and wanted[1] and not called)
        found.append(Sequence_(name=_shown(entry), source=wanted[0], target=last, lags=lags))
    return tuple(found)


def foreign_keys(admin: postgres.Connection) -> dict[str, int]:
    """Every foreign key, with how many rows point to nothing: loading skips the check, so each is looked through."""
    query = resources.files("freehold.data.move").joinpath("foreign_keys.sql").read_text(encoding="utf-8")
    found = {}
    for name, statement in admin.execute(query).fetchall():
        row = admin.execute(str(statement).encode()).fetchone()
        found[str(name)] = int(str(row[0])) if row else 0
    return found


def counts(admin: postgres.Connection, entries: Sequence[Entry], rows: dict[str, tuple[int, int]]) -> tuple[Count, ...]:
    """The published counts: objects of schema public, and `rows` of users, identities, buckets and files at both ends.

    Triggers are counted by name, in public and auth as the published query does, the app's own only.
    """
    query = resources.files("freehold.data.move").joinpath("counts.sql").read_text(encoding="utf-8")
    row = admin.execute(query).fetchone()
    here = {str(name): int(str(value)) for name, value in (row[0] if row else {}).items()}
    there = _of_entries(entries)
    made = [Count(name=name, source=there[name], target=here[name]) for name in here]
    return (*made, *(Count(name=name, source=pair[0], target=pair[1]) for name, pair in rows.items()))


def _of_entries(entries: Sequence[Entry]) -> Counter[str]:
    kinds = {"TABLE": "tables", "POLICY": "rls_policies", "SEQUENCE": "sequences", "INDEX": "indexes_custom",
             "VIEW": "views", "TRIGGER": "triggers"}  # fmt: skip
    found: Counter[str] = Counter()
    for entry in entries:
        if entry.schema == "public" and entry.kind in kinds:
            found[kinds[entry.kind]] += 1
        elif entry.kind == "TRIGGER" and entry.schema == "auth":
            found["triggers"] += 1
        elif entry.schema == "public" and entry.kind == "TYPE" and re.search(r"\bAS ENUM\b", entry.definition):
            found["enums"] += 1
        elif entry.schema == "public" and entry.kind in ("FUNCTION", "PROCEDURE"):
            found["functions_custom"] += 0 if entry.name.startswith("pg_") else 1
    return found


def _shown(entry: Entry) -> str:
    return f"{entry.schema}.{entry.name}"
