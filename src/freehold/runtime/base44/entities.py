"""/apps/{id}/entities/{Entity}: the calls that read and write single records and lists."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from freehold.platform.entities import rules
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import field_rules, rows, validate
from freehold.runtime.base44.context import Context, owner_of
from freehold.runtime.base44.http import Answer, Refusal, Request, answer, plain
from freehold.runtime.base44.identity import Who, new_id

MOST_AT_ONCE = 5000
_NUMBER = re.compile(r"\d{1,9}")


async def list_records(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """GET: an array, newest first unless sorted; at most 5,000."""
    statement = rows.select_array(
        entity,
        query_of(request),
        sort=request.query.get("sort") or rows.DEFAULT_SORT,
        limit=min(number(request, "limit") or rows.MOST_ROWS, rows.MOST_ROWS),
        skip=number(request, "skip"),
        fields=fields_of(request),
        service=who.service,
    )
    (result,) = await context.run(who, [statement])
    return Answer(body=result.one()[0] or b"[]")


async def get_record(context: Context, who: Who, entity: Entity, identity: str) -> Answer:
    """GET by id; a record that may not be read is not found."""
    (result,) = await context.run(who, [rows.select_one(entity, identity, service=who.service)])
    if not result.rows:
        raise not_found(entity, identity)
    return Answer(body=result.rows[0][0] or b"null")


async def count_records(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """GET count: of what the caller may read."""
    (result,) = await context.run(who, [rows.count(entity, query_of(request), service=who.service)])
    return answer({"count": int(result.one()[0] or b"0")})


async def create_record(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """POST: 201 with the stored record."""
    (made,) = await _create(context, who, entity, [await request.json()])
    return Answer(status=201, body=made)


async def create_records(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """POST bulk: all or none."""
    bodies = await request.json()
    if not isinstance(bodies, list):
        raise plain(400, "Request body must be an array")
    if len(bodies) > MOST_AT_ONCE:
        raise plain(400, f"At most {MOST_AT_ONCE} records may be created at once")
    made = await _create(context, who, entity, bodies)
    return Answer(status=201, body=b"[" + b",".join(made) + b"]")


async def update_record(context: Context, request: Request, who: Who, entity: Entity, identity: str) -> Answer:
    """PUT: change the fields that are given."""
    body = await request.table()
    try:
        changes = validate.prepared(entity, body, partial=True)
    except Refusal:
        await _refuse_if_hidden(context, who, entity, identity)
        raise
    await field_rules.refuse_changes(context, who, entity, {identity: changes})
    statement = rows.update_one(entity, identity, changes, service=who.service)
    (result,) = await context.run(who, [statement], act="update")
    if not result.rows:
        raise not_found(entity, identity)
    return Answer(body=result.rows[0][0] or b"null")


async def delete_record(context: Context, who: Who, entity: Entity, identity: str) -> Answer:
    """DELETE by id."""
    (result,) = await context.run(who, [rows.delete(entity, {"id": identity}, service=who.service)], act="delete")
    if not result.rows:
        raise not_found(entity, identity)
    return answer({"success": True})


async def delete_records(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """DELETE with a query as body: what it finds and the caller may delete."""
    query = await request.json()
    if rules.rules_of(entity)["delete"] is False and not who.service:
        raise plain(403, "Permission denied")
    statement = rows.delete(entity, {} if query is None else query, service=who.service)
    (result,) = await context.run(who, [statement], act="delete")
    return answer({"success": True, "deleted": len(result.rows)})


async def store_new(context: Context, who: Who, entity: Entity, bodies: list[Any]) -> list[bytes]:
    """Create records, all or none; gives their documents in order."""
    return await _create(context, who, entity, bodies)


async def _create(context: Context, who: Who, entity: Entity, bodies: list[Any]) -> list[bytes]:
    records = []
    for body in bodies:
        try:
            record = validate.prepared(entity, body, partial=False)
        except Refusal:
            await _refuse_if_denied(context, who, entity, body)
            raise
        records.append(record | {"id": new_id()})
    if not records:
        return []
    await field_rules.refuse_new(context, who, entity, records, bodies)
    statement = rows.insert(entity, records, owner_of(context, who), service=who.service)
    (result,) = await context.run(who, [statement], act="create")
    return [row[0] or b"null" for row in result.rows]


async def _refuse_if_denied(context: Context, who: Who, entity: Entity, body: object) -> None:
    """Whoever may not create learns that first, and nothing about the schema."""
    if who.service or not isinstance(body, Mapping):
        return
    known = {field.name for field in entity.fields}
    record = {key: value for key, value in body.items() if key in known and _fits(entity, key, value)}
    condition = rules.allows(entity, rules.rules_of(entity)["create"])
    owned = rows.owned(entity, condition, record)
    (result,) = await context.run(who, [owned])
    if result.one()[0] != b"t":
        raise plain(403, "Permission denied")


async def _refuse_if_hidden(context: Context, who: Who, entity: Entity, identity: str) -> None:
    """Whoever may not change a record learns that it is not there, and nothing about the schema."""
    (result,) = await context.run(who, [rows.locked(entity, {"id": identity}, 1, service=True)], act="update")
    if not result.rows:
        raise not_found(entity, identity)


def _fits(entity: Entity, key: str, value: object) -> bool:
    field = entity.field(key)
    kinds = {"text": str, "number": int | float, "boolean": bool}
    return field is not None and (field.kind not in kinds or isinstance(value, kinds[field.kind]))


def query_of(request: Request) -> object:
    """The `q` of a request; an absent one finds everything."""
    raw = request.query.get("q")
    if not raw:
        return {}
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise plain(400, "Invalid query parameter 'q'") from error


def fields_of(request: Request) -> list[str] | None:
    """The `fields` of a request; None for all."""
    names = [name.strip() for name in request.query.get("fields", "").split(",")]
    return list(dict.fromkeys(name for name in names if name)) or None


def number(request: Request, name: str) -> int:
    """A whole number of the query; 0 when there is none."""
    text = request.query.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def not_found(entity: Entity, identity: str) -> Refusal:
    """What is answered for a record that is not there, or not this caller's."""
    return Refusal(404, {"message": f"Entity {entity.name} with ID {identity} not found"})
