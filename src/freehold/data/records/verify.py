"""Hold what is here against the source: every record and user by its whole value, and every file by its bytes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql

from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.move import ledger
from freehold.data.move.checks import Count
from freehold.data.move.destination import Destination
from freehold.data.move.digests import SHOWN, Compared
from freehold.data.move.verify import Verified, files_of, users_of
from freehold.data.records import people
from freehold.data.records.copy import Target
from freehold.data.records.links import Links
from freehold.data.records.pages import Source, pages
from freehold.data.records.values import canonical
from freehold.data.sources.toc import Digest
from freehold.kit import postgres
from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity

PIECE = 2000
_MODULUS = 2**64


def verify(source: Source, destination: Destination, entities: Sequence[Entity], report: Report) -> Verified:
    """Compare everything; nothing is changed at either end."""
    with destination.admin() as admin, destination.app() as app:
        links = Links.of_moved(admin)
        report(Event(name="step-started", text="Compare every user and every record"))
        tables, counts = [_people(source, admin, links)], list[Count]()
        for number, entity in enumerate(entities, 1):
            tables.append(_records(source, app, entity, links))
            counts += _short(source, entity.name, tables[-1].source.rows)
            text = f"{number} of {len(entities)} entities: {entity.name}"
            report(Event(name="progress", text=text, values={"what": "compared", "done": number, "of": len(entities)}))
        users = tables[0]
        return Verified(
            items=tuple(ledger.items(admin).values()),
            tables=tuple(tables),
            sequences=(),
            foreign_keys={},
            counts=(Count(name="users", source=users.source.rows, target=users.target.rows), *counts),
            files=files_of(admin, destination.files),
            users=users_of(admin),
            doubt="",
            lost=(),
        )


def _records(source: Source, app: postgres.Connection, entity: Entity, links: Links) -> Compared:
    target, there = Target(app, entity), dict[str, bytes]()
    for some in pages(source, entity.name):
        for record in some:
            there[str(record["id"])] = _hash(_held(links.here(target.row(record))))
    here = {str(row["id"]): _hash(_held(row)) for row in _rows(app, sql.Identifier(names.SCHEMA, entity.name))}
    return _compared(entity.name, there, here)


def _short(source: Source, entity: str, listed: int) -> list[Count]:
    """A source that counts more records than it lists, wherever a list is begun, has some that nobody could bring."""
    counted = source.count(entity)
    name = f"{entity}, counted and not listed by the source"
    return [Count(name=name, source=counted, target=listed)] if counted > listed else []


def _people(source: Source, admin: postgres.Connection, links: Links) -> Compared:
    there = {key: _hash(links.here(people.person(found))) for key, found in people.found(source).items()}
    here = {str(row["id"]): _hash(people.person(row)) for row in people.kept(admin)}
    return _compared("users", there, here)


def _rows(connection: postgres.Connection, table: sql.Identifier) -> Iterator[dict[str, Any]]:
    with connection.transaction(), connection.cursor(name="records") as cursor:
        cursor.itersize = PIECE
        cursor.execute(sql.SQL("select to_jsonb(t) from {} as t").format(table))
        for (row,) in cursor:
            yield row


def _held(row: Mapping[str, Any]) -> dict[str, Any]:
    """A column that is null and one that is not there are the same record."""
    return {name: value for name, value in row.items() if value is not None}


def _hash(value: object) -> bytes:
    return hashlib.sha256(canonical(value)).digest()[:16]


def _compared(name: str, there: Mapping[str, bytes], here: Mapping[str, bytes]) -> Compared:
    missing = sorted(key for key, value in there.items() if here.get(key) != value)
    extra = sorted(key for key, value in here.items() if there.get(key) != value)
    return Compared(
        name=name,
        source=_digest(there),
        target=_digest(here),
        only_source=tuple(missing[:SHOWN]),
        only_target=tuple(extra[:SHOWN]),
    )


def _digest(found: Mapping[str, bytes]) -> Digest:
    total = sum(
        int.from_bytes(hashlib.sha256(key.encode() + b"\0" + value).digest()[:8]) for key, value in found.items()
    )
    return Digest(rows=len(found), total=total % _MODULUS)
