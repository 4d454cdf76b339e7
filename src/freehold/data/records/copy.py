"""Copy an entity's records by pages, then hold the ids of both sides against each other until they are the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.records.pages import Source, pages
from freehold.data.records.values import holdable
from freehold.kit import postgres
from freehold.platform.entities import names, tables
from freehold.platform.entities.schema import REST, Entity, read_entity

Records = tuple[dict[str, Any], ...] | list[dict[str, Any]]
ROUNDS = 10
_FITS: dict[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "boolean": bool}


@dataclass(kw_only=True)
class Moved:
    """What became of one entity: ids on both sides, and those that only one of them has."""

    entity: str
    there: int = 0
    here: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    brought_later: int = 0
    """Records that pages did not give and that were asked for by id."""
    loose: tuple[str, ...] = ()
    """Fields whose values did not fit the schema's type: their columns take any value now."""

    @property
    def equal(self) -> bool:
        """Whether both sides have the same ids."""
        return not self.missing and not self.extra


def move_entity(connection: postgres.Connection, source: Source, entity: Entity, report: Report) -> Moved:
    """Copy and compare one entity; called again after a stop it goes on with the page that was next."""
    target = Target(connection, entity)
    moved = Moved(entity=entity.name)
    _copy(target, source, report)
    there: dict[str, str] = {}
    for _ in range(ROUNDS):
        before, there = there, _ids(source, entity.name)
        here = target.ids()
        wanted = [identity for identity, changed in there.items() if here.get(identity) != changed]
        moved.extra = sorted(here.keys() - there.keys())
        target.remove(moved.extra)
        if not wanted and not moved.extra and there == before:  # it did not change while it was listed
            break
        moved.brought_later += _bring(target, source, wanted)
    here = target.ids()
    moved.there, moved.here = len(there), len(here)
    moved.missing, moved.extra = sorted(there.keys() - here.keys()), sorted(here.keys() - there.keys())
    moved.loose = tuple(sorted(target.loose))
    return moved


def _copy(target: "Target", source: Source, report: Report) -> None:
    """Copy pages until there are no more; a list that ends too early is asked for again from its last date on."""
    since, cursor, copied = target.place()
    while not copied:
        page = source.page(target.name, since=since, cursor=cursor)
        last = max((str(item.get("created_date") or "") for item in page.records), default="")
        cut = not page.cursor and target.known_after(page.records) < source.count(target.name) and last > since
        since, cursor, copied = (last if cut else since), page.cursor, not page.cursor and not cut
        target.store(page.records, since=since, cursor=cursor, copied=copied)
        report(Event(name="progress", text=f"{target.name}: {target.rows()} records"))


def _ids(source: Source, entity: str) -> dict[str, str]:
    """Every id that the source has now, with when its record was changed."""
    return {
        str(item["id"]): str(item.get("updated_date") or "")
        for some in pages(source, entity, "id,updated_date,created_date")
        for item in some
    }


def _bring(target: "Target", source: Source, wanted: list[str]) -> int:
    records = [record for identity in wanted if (record := source.one(target.name, identity)) is not None]
    target.store(records, since="", cursor="", copied=True)
    return len(records)


class Target:
    """One entity's table. Ids and moments stay byte for byte; an id is there once, however often it comes."""

    def __init__(self, connection: postgres.Connection, entity: Entity) -> None:
        """The connection is the owner's, with autocommit on."""
        self._connection = connection
        self._entity = entity
        self._kinds = entity.kinds()
        self._table = sql.Identifier(names.SCHEMA, entity.name)
        self.name = entity.name
        self.loose: set[str] = set()

    def place(self) -> tuple[str, str, bool]:
        """Where an earlier run stopped."""
        query = "select since, cursor, copied from base44.moving where entity = %s"
        row = self._connection.execute(query, (self.name,)).fetchone()
        return (str(row[0]), str(row[1]), bool(row[2])) if row else ("", "", False)

    def store(self, records: Records, *, since: str, cursor: str, copied: bool) -> None:
        """Write records and how far the move is, in one transaction and without telling anybody's browser."""
        with self._connection.transaction():
            self._loosen(records)
            self._connection.execute(sql.SQL("alter table {} disable trigger announce").format(self._table))
            self._write([self.row(record) for record in records])
            self._connection.execute(sql.SQL("alter table {} enable trigger announce").format(self._table))
            self._connection.execute(
                "insert into base44.moving (entity, since, cursor, copied) values (%s, %s, %s, %s) on conflict (entity)"
                " do update set since = excluded.since, cursor = excluded.cursor, copied = excluded.copied",
                (self.name, since, cursor, copied),
            )

    def ids(self) -> dict[str, str]:
        """Every id that is here, with when its record was changed."""
        query = sql.SQL("select id, updated_date from {}").format(self._table)
        return {str(row[0]): str(row[1]) for row in self._connection.execute(query)}

    def known_after(self, records: tuple[dict[str, Any], ...]) -> int:
        """How many ids there are with these."""
        return len(self.ids().keys() | {str(item["id"]) for item in records})

    def rows(self) -> int:
        """How many records are here."""
        row = self._connection.execute(sql.SQL("select count(*) from {}").format(self._table)).fetchone()
        return int(row[0]) if row else 0

    def remove(self, identities: list[str]) -> None:
        """Take away what was deleted at the source while the move went on."""
        if identities:
            query = sql.SQL("delete from {} where id = any(%s)").format(self._table)
            self._connection.execute(query, (identities,))

    def _write(self, rows: list[dict[str, Any]]) -> None:
        columns = [*self._entity.built_in, *(name for name, kind in self._kinds.items() if kind), REST]
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        taken = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(name)) for name in columns)
        newer = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns)
        statement = sql.SQL(
            "insert into {0} ({1}) select distinct on (r.id) {2} from jsonb_populate_recordset(null::{0}, %s) as r"
            " order by r.id, r.updated_date desc on conflict (id) do update set {3}"
        ).format(self._table, listed, taken, newer)
        self._connection.execute(statement, (json.dumps(rows),))

    def row(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Spread a record over the columns; unknown fields and explicit nulls go into the rest."""
        record = holdable(given)
        row: dict[str, Any] = {name: record.get(name) for name in self._entity.built_in}
        row |= {"created_date": row["created_date"] or "", "updated_date": row["updated_date"] or ""}
        row["is_sample"] = record.get("is_sample") is True
        rest = {}
        for name, value in record.items():
            if name in self._entity.built_in:
                continue
            if value is not None and self._kinds.get(name):
                row[name] = value
            else:
                rest[name] = value
        return row | {REST: rest}

    def _loosen(self, records: Records) -> None:
        """Let a column take any value as soon as a record holds one of another type than the schema says."""
        for name, kind in self._kinds.items():
            fits = _FITS.get(kind)
            if fits and any(_differs(record.get(name), kind, fits) for record in records):
                self._widen(name)

    def _widen(self, name: str) -> None:
        present = {key: kind for key, kind in self._kinds.items() if kind}
        settled = read_entity(
            self.name, self._entity.schema, kinds=self._kinds | {name: "json"}, inferred=self._entity.inferred
        )
        for change in tables.alter(settled, self._entity, present):
            self._connection.execute(sql.SQL(change.statement))
        self._entity, self._kinds = settled, settled.kinds()
        self._connection.execute(
            "update base44.entity set kinds = %s where name = %s", (json.dumps(self._kinds), self.name)
        )
        self.loose.add(name)


def _differs(value: object, kind: str, fits: "type | tuple[type, ...]") -> bool:
    if value is None:
        return False
    return (isinstance(value, bool) and kind != "boolean") or not isinstance(value, fits)
