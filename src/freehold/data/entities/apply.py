"""Bring the entities' tables to the schemas in its files: in one transaction, as the owner of the app's tables."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from freehold.core.errors import MigrationFailed
from freehold.core.event import Event
from freehold.core.inventory import RecordKind
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.entities.consent import insist
from freehold.data.migrations import Consent
from freehold.kit import postgres
from freehold.platform.entities import names, rules, schema, tables
from freehold.platform.entities.schema import REST, Entity, read_entity
from freehold.platform.entities.tables import Change

LOCK_TIMEOUT = "10s"


@dataclass(frozen=True, kw_only=True)
class _Known:
    entity: Entity
    present: dict[str, str]


def plan(records: Sequence[RecordKind], owner_dsn: Secret) -> tuple[Change, ...]:
    """Say what `apply` would do now; nothing is changed."""
    with postgres.connect(owner_dsn) as connection:
        return tuple(change for _, changes in _wanted(connection, records) for change in changes)


def apply(
    records: Sequence[RecordKind], *, owner_dsn: Secret, report: Report, consent: Consent | None = None
) -> tuple[Change, ...]:
    """Make or change the tables; all or nothing.

    With `consent`, what lets others in or takes something from older releases has to be named. Raises NotAccepted
    before anything is run, MigrationFailed with the statement that PostgreSQL refused.
    """
    with postgres.connect(owner_dsn) as connection, connection.transaction():
        connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        wanted = _wanted(connection, records)
        done = [change for _, changes in wanted for change in changes]
        if consent is not None:
            insist(consent, done)
        for entity, changes in wanted:
            for change in changes:
                report(Event(name="progress", text=change.title))
                _run(connection, change, consent.who if consent is not None and change.asks else "")
            _remember(connection, entity)
    for entity in _read(records):
        _tell_unusual(entity, report)
    return tuple(done)


def revision(records: Sequence[RecordKind]) -> str:
    """Name the schemas as they are in the app's files: equal ones have equal names."""
    found = [[item.name, item.schema, item.declared] for item in records if item.kind == "entity"]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]


def _wanted(connection: postgres.Connection, records: Sequence[RecordKind]) -> list[tuple[Entity, list[Change]]]:
    known = _known(connection)
    found = []
    for entity in _read(records):
        if entity.people:
            found.append((entity, _person(entity, known)))
        elif entity.name not in known:
            found.append((entity, tables.create(entity)))
        else:
            found.append(_changed(connection, entity, known[entity.name]))
    return found


def _changed(connection: postgres.Connection, entity: Entity, old: _Known) -> tuple[Entity, list[Change]]:
    if entity.inferred and not old.entity.inferred:  # a file that is gone takes no column and no rule with it
        return old.entity, []
    present = {name: kind for name, kind in old.present.items() if kind}
    new = [field.name for field in entity.fields if field.kind not in ("", "json") and field.name not in present]
    kinds = tables.kinds_after(entity, present, _loose(connection, entity, new))
    settled = read_entity(entity.name, entity.schema, kinds=kinds, inferred=entity.inferred)
    return settled, tables.alter(settled, old.entity, present)


def _loose(connection: postgres.Connection, entity: Entity, fields: Sequence[str]) -> set[str]:
    """Name the new fields under which records hold values of another type already."""
    fits = {"text": "string", "number": "number", "boolean": "boolean"}
    found = set()
    for name in fields:
        query = sql.SQL("select exists (select from {} where jsonb_typeof({} -> %s) not in (%s, 'null'))").format(
            sql.Identifier(names.SCHEMA, entity.name), sql.Identifier(REST)
        )
        row = connection.execute(query, (name, fits[names.kind_of(entity, name)])).fetchone()
        if row is not None and row[0]:
            found.add(name)
    return found


def _person(entity: Entity, known: dict[str, _Known]) -> list[Change]:
    old = known.get(entity.name)
    if old is not None and old.entity.schema == entity.schema:
        return []
    told = Change(entity=entity.name, title="Users get the fields that the app describes", statement="")
    return [told, *(tables.told(entity, old.entity) if old is not None else ())]


def _read(records: Sequence[RecordKind]) -> list[Entity]:
    found = [
        read_entity(item.name, item.schema or {}, inferred=not item.declared)
        for item in records
        if item.kind == "entity"
    ]
    return [entity for entity in found if len(entity.name.encode()) <= schema.LONGEST_NAME_BYTES]


def _known(connection: postgres.Connection) -> dict[str, _Known]:
    rows = connection.execute("select name, schema, kinds, inferred from base44.entity").fetchall()
    return {
        str(name): _Known(entity=read_entity(str(name), found, kinds=kinds, inferred=inferred), present=kinds)
        for name, found, kinds, inferred in rows
    }


def _run(connection: postgres.Connection, change: Change, accepted_by: str) -> None:
    try:
        if change.statement:
            connection.execute(sql.SQL(change.statement))
    except psycopg.Error as error:
        raise MigrationFailed(
            f"{change.title}: PostgreSQL refused it, and no table was changed",
            detail=f"{str(error).strip()}\n{change.statement}",
            hint="correct the schema of the entity in the app's files, then run the same command again",
        ) from error
    connection.execute(
        "insert into base44.migration (entity, title, statement, asks, takes, accepted_by)"
        " values (%s, %s, %s, %s, %s, %s)",
        (change.entity, change.title, change.statement, change.asks, change.takes, accepted_by),
    )


def _remember(connection: postgres.Connection, entity: Entity) -> None:
    before = connection.execute("select kinds from base44.entity where name = %s", (entity.name,)).fetchone()
    kinds = {**(before[0] if before else {}), **entity.kinds()}
    connection.execute(
        "insert into base44.entity (name, schema, kinds, inferred) values (%s, %s, %s, %s)"
        " on conflict (name) do update set schema = excluded.schema, kinds = excluded.kinds,"
        " inferred = excluded.inferred",
        (entity.name, json.dumps(dict(entity.schema)), json.dumps(kinds), entity.inferred),
    )


def _tell_unusual(entity: Entity, report: Report) -> None:
    if entity.people:
        if entity.schema.get("rls"):
            text = "User: people see and change themselves, admins all; the rules of rows in its file are not looked at"
            report(Event(name="warning", text=text))
        return
    for operation, rule in rules.rules_of(entity).items():
        forms = rules.unusual(rule)
        if forms:
            text = f"{entity.name}: its rule for {operation} uses forms that Base44 does not document: "
            report(Event(name="note", text=text + ", ".join(forms)))
