"""What was decided about every object and how far it is, kept in the target where the app's own SQL cannot write."""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.core.errors import MoveRefused
from freehold.data.move.decisions import Decision
from freehold.data.sources.toc import Entry, Part
from freehold.kit import postgres

LOCK_WAIT_SECONDS = 5.0
"""A session that has ended, or was killed, holds its locks until PostgreSQL has noticed."""
LOCK_PAUSE_SECONDS = 0.05
EXTRA = 1_000_000_000
"""Positions from here on are things that are rows at the source: jobs, names of secrets, roles."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One line of the ledger; `outcome` is "" while it is not settled."""

    position: int
    kind: str
    schema: str
    name: str
    way: str
    outcome: str
    note: str
    token: str

    @property
    def shown(self) -> str:
        """Kind, schema and name for people."""
        return f"{self.kind.lower()} {self.schema + '.' if self.schema else ''}{self.name}"


def take_lock(admin: postgres.Connection) -> None:
    """Hold the target for one move as long as the connection lasts; raises MoveRefused."""
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not _is_taken(admin):
        if time.monotonic() > deadline:
            raise MoveRefused("another move into this database runs now", hint="wait for it: freehold move status")
        time.sleep(LOCK_PAUSE_SECONDS)


def _is_taken(admin: postgres.Connection) -> bool:
    row = admin.execute("select pg_catalog.pg_try_advisory_lock(hashtext('freehold move'))").fetchone()
    return row is not None and bool(row[0])


def begin(admin: postgres.Connection, identity: str, source: str) -> bool:
    """Take the target for this source; says whether an earlier run is resumed. Raises MoveRefused."""
    row = admin.execute("select identity, source from freehold.moves").fetchone()
    if row is None:
        _check_empty(admin)
        admin.execute("insert into freehold.moves (identity, source) values (%s, %s)", (identity, source))
        return False
    if row[0] != identity:
        raise MoveRefused(
            "another source was moved into this database before",
            detail=f"then {row[1]}\nnow  {source}",
            hint="give the same source to go on with it, or an empty database; on a server, --start-over makes it so",
        )
    return True


def _check_empty(admin: postgres.Connection) -> None:
    row = admin.execute(
        "select (select count(*) from pg_catalog.pg_class as c"
        "          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        "         where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S')"
        "           and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')),"
        "       (select count(*) from auth.users), (select count(*) from storage.buckets)"
    ).fetchone()
    found = dict(zip(("tables, views and sequences in public", "users", "buckets"), row or (), strict=False))
    if any(found.values()):
        raise MoveRefused(
            "the target is not empty, and what is there did not come from this source",
            detail=", ".join(f"{count} {what}" for what, count in found.items() if count),
            hint="move into a place that was not used yet: --data NEW_FOLDER, or another database",
        )


def settle_all(admin: postgres.Connection, decided: Iterable[tuple[Entry, Decision]]) -> None:
    """Write down every decision. An object that has changed since, or was left or failed, is decided anew."""
    with admin.transaction(), admin.cursor() as cursor:
        cursor.execute(
            "create temporary table decided (position int, kind text, schema text, name text, digest text, way text,"
            " outcome text, note text) on commit drop"
        )
        with cursor.copy("copy decided from stdin") as copy:
            for entry, decision in decided:
                open_or = None if decision.outcome == "moved" else decision.outcome
                copy.write_row(
                    (
                        entry.number,
                        entry.kind,
                        entry.schema,
                        entry.name,
                        digest(entry),
                        decision.way,
                        open_or,
                        decision.note,
                    )
                )
        cursor.execute(
            "delete from freehold.move_items as i using decided as d where i.position = d.position"
            " and (i.outcome is distinct from 'moved' or i.kind in ('SEQUENCE SET', 'MATERIALIZED VIEW DATA')"
            "      or (i.kind, i.schema, i.name) <> (d.kind, d.schema, d.name))"
        )
        cursor.execute(
            "insert into freehold.move_items (position, kind, schema, name, digest, way, outcome, note)"
            " select * from decided on conflict do nothing"
        )


def digest(entry: Entry) -> str:
    """Identity of a definition."""
    return hashlib.sha256(f"{entry.definition}\0{entry.copy}".encode()).hexdigest()[:16]


def items(admin: postgres.Connection) -> dict[int, Item]:
    """Every line by position."""
    rows = admin.execute(
        "select position, kind, schema, name, way, coalesce(outcome, ''), note, token::text"
        " from freehold.move_items order by position"
    ).fetchall()
    return {
        int(str(row[0])): Item(
            position=int(str(row[0])), kind=str(row[1]), schema=str(row[2]), name=str(row[3]), way=str(row[4]),
            outcome=str(row[5]), note=str(row[6]), token=str(row[7]),
        )
        for row in rows
    }  # fmt: skip


def settle(admin: postgres.Connection, position: int, outcome: str, note: str = "") -> None:
    """Close one line."""
    admin.execute(
        "update freehold.move_items set outcome = %s, note = %s, settled_at = now() where position = %s",
        (outcome, note, position),
    )


def add(admin: postgres.Connection, kind: str, name: str, outcome: str, note: str = "") -> None:
    """Write a line for something that is a row at the source; the same thing has one line."""
    values = {"base": EXTRA, "kind": kind, "name": name, "outcome": outcome, "note": note}
    admin.execute(
        "with known as (update freehold.move_items set outcome = %(outcome)s, note = %(note)s, settled_at = now()"
        "                where kind = %(kind)s and name = %(name)s and position >= %(base)s returning 1)"
        " insert into freehold.move_items (position, kind, schema, name, digest, way, outcome, note, settled_at)"
        " select greatest(%(base)s, coalesce(max(position), 0) + 1), %(kind)s, '', %(name)s, '', '', %(outcome)s,"
        "        %(note)s, now() from freehold.move_items having not exists (select from known)",
        values,
    )


def forget(admin: postgres.Connection, kind: str) -> None:
    """Strike out what `add` wrote of a kind, before it is found out anew."""
    admin.execute("delete from freehold.move_items where kind = %s and position >= %s", (kind, EXTRA))


def plan_parts(admin: postgres.Connection, position: int, parts: Sequence[Part]) -> list[tuple[Part, str, bool]]:
    """Give the parts of a table as first planned, each with its token and whether it is loaded."""
    planned = admin.execute("select from freehold.move_parts where position = %s limit 1", (position,)).fetchone()
    if planned is None:
        with admin.transaction(), admin.cursor() as cursor:
            cursor.executemany(
                "insert into freehold.move_parts (position, number, low, high) values (%s, %s, %s, %s)",
                [(position, part.number, part.low, part.high) for part in parts],
            )
    rows = admin.execute(
        "select number, low, high, token::text, loaded is not null from freehold.move_parts where position = %s"
        " order by number",
        (position,),
    ).fetchall()
    return [(Part(number=row[0], low=row[1], high=row[2]), str(row[3]), bool(row[4])) for row in rows]


def forget_parts(admin: postgres.Connection, position: int) -> None:
    """Plan a table's rows anew."""
    with admin.transaction():
        admin.execute("delete from freehold.move_parts where position = %s", (position,))
        admin.execute(
            "update freehold.move_items set outcome = null, settled_at = null where position = %s", (position,)
        )


def loaded_rows(admin: postgres.Connection) -> dict[int, int]:
    """How many rows of each table are loaded."""
    rows = admin.execute("select position, sum(loaded)::bigint from freehold.move_parts group by 1").fetchall()
    return {int(str(row[0])): int(str(row[1] or 0)) for row in rows}


def set_status(admin: postgres.Connection, status: str, report: object = None) -> None:
    """Say how far the whole move is; `report` replaces the stored one when given.

    Once everything was equal it stays so: a later comparison finds what the app's users have written since.
    """
    admin.execute(
        "update freehold.moves set status = case when status = 'equal' then status else %(status)s end,"
        " report = coalesce(%(report)s::jsonb, report),"
        " finished_at = case when %(status)s = 'copying' then null else now() end",
        {"status": status, "report": None if report is None else json.dumps(report)},
    )


def status(admin: postgres.Connection) -> str | None:
    """How far a move into this database is; None when there was none."""
    there = admin.execute("select to_regclass('freehold.moves') is not null").fetchone()
    row = admin.execute("select status from freehold.moves").fetchone() if there and there[0] else None
    return str(row[0]) if row else None


def source(admin: postgres.Connection) -> str:
    """What was moved here, for people; "" for nothing."""
    row = admin.execute("select source from freehold.moves").fetchone()
    return str(row[0]) if row else ""


def identity(admin: postgres.Connection) -> str:
    """Which source was moved here; "" for none."""
    row = admin.execute("select identity from freehold.moves").fetchone()
    return str(row[0]) if row else ""


def report(admin: postgres.Connection) -> object:
    """The last comparison's report; None when there is none."""
    row = admin.execute("select report from freehold.moves").fetchone()
    return row[0] if row else None


def setting(admin: postgres.Connection, name: str) -> object:
    """Read what `keep_setting` kept; None when there is none."""
    row = admin.execute("select settings -> %s from freehold.moves", (name,)).fetchone()
    return row[0] if row else None


def keep_setting(admin: postgres.Connection, name: str, value: object) -> None:
    """Keep a value with the move."""
    admin.execute(
        "update freehold.moves set settings = settings || jsonb_build_object(%s::text, %s::jsonb)",
        (name, json.dumps(value)),
    )
