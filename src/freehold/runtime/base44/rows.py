"""Statements on the records of one entity. Values are parameters always; the policies decide about rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from freehold.platform.entities import names
from freehold.platform.entities.names import identifier, literal
from freehold.platform.entities.schema import REST, Entity
from freehold.runtime.base44 import documents, filters
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Statement

MOST_ROWS = 5000
DEFAULT_SORT = "-created_date"


def now() -> str:
    """The moment, as records hold it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def select_array(  # noqa: PLR0913 - a query has that many parts
    entity: Entity, query: object, *, sort: str, limit: int, skip: int, fields: Sequence[str] | None, service: bool
) -> Statement:
    """All records of a query as one JSON array."""
    params = Params()
    where = filters.condition(entity, query, params, service=service)
    text = documents.document(entity, fields, service=service)
    order = order_by(entity, sort, service=service)
    ranged = f"limit {params.number(limit)}::bigint offset {params.number(skip)}::bigint"
    sql = (
        f"select '[' || coalesce(string_agg(d, ','), '') || ']' from"
        f" (select {text} as d from {names.table(entity)} where {where} order by {order} {ranged}) as r"
    )
    return sql, params.values


def select_one(entity: Entity, identity: str, *, service: bool) -> Statement:
    """One record by its id."""
    params = Params()
    text = documents.document(entity, service=service)
    return f"select {text} from {names.table(entity)} where id = {params.text(identity)}", params.values


def count(entity: Entity, query: object, *, service: bool) -> Statement:
    """How many records a query finds."""
    params = Params()
    where = filters.condition(entity, query, params, service=service)
    return f"select count(*) from {names.table(entity)} where {where}", params.values


def insert(entity: Entity, records: Iterable[Mapping[str, Any]], owner: tuple[str, str], *, service: bool) -> Statement:
    """New records with their ids, one document a row, in order.

    `owner` is address and id of who made them when no person did.
    """
    params = Params()
    at, moment = names.table(entity), now()
    columns = [field.name for field in entity.fields if field.kind]
    rows = [
        stored(entity, record) | {"id": record["id"], "created_date": moment, "updated_date": moment}
        for record in records
    ]
    listed = ", ".join(identifier(name) for name in ("id", "created_date", "updated_date", *columns))
    taken = ", ".join(f"r.{identifier(name)}" for name in ("id", "created_date", "updated_date", *columns))
    by, by_id = (
        f"coalesce((select base44.caller() ->> '{name}'), nullif({params.text(own)}, ''))"
        for name, own in zip(("email", "id"), owner, strict=True)
    )
    sql = (
        f"insert into {at} ({listed}, {REST}, created_by, created_by_id)"
        f" select {taken}, r.{REST}, {by}, {by_id}"
        f" from jsonb_populate_recordset(null::{at}, {params.json(rows)}) as r"
        f" returning {documents.document(entity, service=service)}"
    )
    return sql, params.values


def update_one(entity: Entity, identity: str, changes: Mapping[str, Any], *, service: bool) -> Statement:
    """Change some fields of one record."""
    params = Params()
    at = names.table(entity)
    moment = params.text(now())
    found = stored(entity, changes)
    sets = [f"{identifier(name)} = r.{identifier(name)}" for name in changes if _column(entity, name)]
    gone = ", ".join(literal(name) for name in changes)
    rest = f"({REST_OF_ROW} - array[{gone}]::text[]) || r.{REST}" if changes else REST_OF_ROW
    sql = (
        f"update {at} as t set {', '.join([*sets, f'{REST} = {rest}', f'updated_date = {moment}'])}"
        f" from jsonb_populate_record(null::{at}, {params.json(found)}) as r"
        f" where t.id = {params.text(identity)} returning {_of_row(entity, service=service)}"
    )
    return sql, params.values


def replace(entity: Entity, records: Sequence[Mapping[str, Any]], *, service: bool) -> Statement:
    """Write whole records that are there, by id. Gives one document a row."""
    params = Params()
    at = names.table(entity)
    moment = params.text(now())
    rows = [stored(entity, record) | {"id": record["id"]} for record in records]
    columns = [field.name for field in entity.fields if field.kind]
    sets = [f"{identifier(name)} = r.{identifier(name)}" for name in (*columns, REST)]
    sql = (
        f"update {at} as t set {', '.join([*sets, f'updated_date = {moment}'])}"
        f" from jsonb_populate_recordset(null::{at}, {params.json(rows)}) as r"
        f" where t.id = r.id returning {_of_row(entity, service=service)}"
    )
    return sql, params.values


def delete(entity: Entity, query: object, *, service: bool) -> Statement:
    """Delete what a query finds and the policies allow."""
    params = Params()
    where = filters.condition(entity, query, params, service=service)
    return f"delete from {names.table(entity)} where {where} returning id", params.values


def whole(entity: Entity, query: object, most: int, *, service: bool) -> Statement:
    """Whole records of a query, what field rules hide included: for the server's own eyes."""
    params = Params()
    where = filters.condition(entity, query, params, service=service)
    text = documents.document(entity, service=True)
    at = names.table(entity)
    return f"select {text} from {at} where {where} order by id limit {params.number(most)}::bigint", params.values


def locked(entity: Entity, query: object, most: int, *, service: bool) -> Statement:
    """The same, held until they are written; with the act `update`, those that the caller may change."""
    sql, values = whole(entity, query, most, service=service)
    return f"{sql} for update", values


def allows(entity: Entity, condition: str, record: Mapping[str, Any]) -> Statement:
    """Ask whether a rule holds for a record that is not stored."""
    params = Params()
    row = f"jsonb_populate_record(null::{names.table(entity)}, {params.json(stored(entity, record) | dict(record))})"
    return f"select {condition} from {row}", params.values


def owned(entity: Entity, condition: str, record: Mapping[str, Any]) -> Statement:
    """Ask whether a rule holds for a record that the caller is about to make."""
    params = Params()
    table = names.table(entity)
    maker = "jsonb_build_object('created_by', base44.caller() ->> 'email', 'created_by_id', base44.caller() ->> 'id')"
    row = f"jsonb_populate_record(null::{table}, {params.json(stored(entity, record))} || {maker})"
    return f"select {condition} from {row}", params.values


def stored(entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """Spread a record over its columns: what has none, and explicit nulls, go into the rest."""
    found: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in record.items():
        if name in entity.built_in:
            continue
        if value is not None and _column(entity, name):
            found[name] = value
        else:
            rest[name] = value
    return found | {REST: rest}


def order_by(entity: Entity, sort: str, *, service: bool) -> str:
    """Missing values come first going up and last going down, as in MongoDB; equal ones by id."""
    descending, name = sort.startswith("-"), sort.lstrip("-+")
    key = documents.sort_key(entity, name, service=service)
    way = "desc nulls last" if descending else "asc nulls first"
    return f"{key} {way}, id {'desc' if descending else 'asc'}"


def document_list(result: Sequence[tuple[bytes | None, ...]]) -> bytes:
    """Put documents together, one a row."""
    return b"[" + b",".join(row[0] or b"null" for row in result) + b"]"


def parsed(result: Sequence[tuple[bytes | None, ...]]) -> list[dict[str, Any]]:
    """Read documents, one a row."""
    return [orjson.loads(row[0] or b"null") for row in result]


REST_OF_ROW = f"t.{REST}"


def _column(entity: Entity, name: str) -> bool:
    field = entity.field(name)
    return field is not None and bool(field.kind)


def _of_row(entity: Entity, *, service: bool) -> str:
    """The document of the row that was written: `r` has the same columns, so it is looked up under the alias t."""
    text = documents.document(entity, service=service)
    return f"(select {text} from (select t.*) as own)"
