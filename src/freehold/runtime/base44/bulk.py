"""Calls that write many records: update-many, bulk update, upsert and import. Each is one transaction."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import entities, field_rules, forms, rows, updates, validate
from freehold.runtime.base44.context import Context, owner_of, refusal_of
from freehold.runtime.base44.http import Answer, Refusal, Request, answer, encoded, plain
from freehold.runtime.base44.identity import Who, new_id
from freehold.runtime.database import DatabaseError

MOST_AT_ONCE = 500


async def update_many(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """PATCH update-many: the first 500 that are found and may be changed; asked again, the next."""
    body = await request.table()
    operations = body.get("data")
    if not isinstance(operations, Mapping):
        raise plain(400, "data takes update operators such as $set")
    query = body.get("query") or {}
    try:
        async with context.pool.transaction() as connection:
            found = await connection.run(
                [who.acting("update"), rows.locked(entity, query, MOST_AT_ONCE + 1, service=who.service)]
            )
            old = rows.parsed(found[1].rows)
            new = [_changed(entity, record, operations) for record in old[:MOST_AT_ONCE]]
            await _refuse_fields(context, who, entity, old, new)
            if new:
                await connection.run([rows.replace(entity, new, service=who.service)])
    except DatabaseError as error:
        raise refusal_of(error) from error
    return answer({"success": True, "updated": len(new), "has_more": len(old) > MOST_AT_ONCE})


def _changed(entity: Entity, record: Mapping[str, Any], operations: Mapping[str, Any]) -> dict[str, Any]:
    after = updates.updated(record, operations)
    checked = validate.prepared(entity, after, partial=True)
    return checked | {"id": record["id"]}


async def _refuse_fields(
    context: Context, who: Who, entity: Entity, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> None:
    changes = {
        after["id"]: {key: value for key, value in after.items() if before.get(key) != value}
        for before, after in zip(old, new, strict=False)
    }
    await field_rules.refuse_changes(context, who, entity, changes)


async def update_each(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """PUT bulk: each record with its own changes, by id; all or none."""
    bodies = await request.json()
    if not isinstance(bodies, list) or not all(isinstance(item, dict) and item.get("id") for item in bodies):
        raise plain(400, "Request body must be an array of records with an id")
    if len(bodies) > MOST_AT_ONCE:
        raise plain(400, f"At most {MOST_AT_ONCE} records may be updated at once")
    changes = {str(item["id"]): validate.prepared(entity, item, partial=True) for item in bodies}
    await field_rules.refuse_changes(context, who, entity, changes)
    documents: list[bytes] = []
    try:
        async with context.pool.transaction() as connection:
            await connection.run([who.acting("update")])
            for identity, change in changes.items():
                (result,) = await connection.run([rows.update_one(entity, identity, change, service=who.service)])
                if not result.rows:
                    raise entities.not_found(entity, identity)
                documents.append(result.rows[0][0] or b"null")
    except DatabaseError as error:
        raise refusal_of(error) from error
    return Answer(body=b"[" + b",".join(documents) + b"]")


async def upsert(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """POST upsert: update what has the same key, create the rest; of records with one key the last wins."""
    body = await request.table()
    keys, records = _keys(body.get("key")), _records(body.get("records"))
    wanted = {encoded([record.get(key) for key in keys]): record for record in records}
    try:
        async with context.pool.transaction() as connection:
            # Two upserts of one entity take turns, or both would create what neither finds.
            lock = "select pg_advisory_xact_lock(hashtextextended($1, 44))"
            await connection.run([(lock, (names.table(entity).encode(),))])
            query = {"$or": [{key: record.get(key) for key in keys} for record in wanted.values()]}
            act = who.acting("update")
            found = (await connection.run([act, rows.locked(entity, query, rows.MOST_ROWS, service=who.service)]))[
                1
            ].rows
            known = {orjson.dumps([old.get(key) for key in keys]): old for old in rows.parsed(found)}
            changed = {
                str(known[at]["id"]): validate.prepared(entity, record, partial=True)
                for at, record in wanted.items()
                if at in known
            }
            fresh = [record for at, record in wanted.items() if at not in known]
            await field_rules.refuse_changes(context, who, entity, changed)
            made = [validate.prepared(entity, record, partial=False) | {"id": new_id()} for record in fresh]
            await field_rules.refuse_new(context, who, entity, made, fresh)
            statements = [rows.update_one(entity, at, change, service=who.service) for at, change in changed.items()]
            results = await connection.run(statements) if statements else []
            if made:
                create = [who.acting("create"), rows.insert(entity, made, owner_of(context, who), service=who.service)]
                results = [*results, (await connection.run(create))[1]]
    except DatabaseError as error:
        raise refusal_of(error) from error
    documents = [row[0] or b"null" for result in results for row in result.rows]
    head = orjson.dumps({"created": len(made), "updated": len(changed)})[:-1]
    return Answer(body=head + b',"records":[' + b",".join(documents) + b"]}")


async def import_records(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """POST import: a CSV or JSON file of new records; all or none."""
    form = await forms.read_form(request)
    if form.file is None:
        raise plain(400, "No file uploaded")
    try:
        bodies = _from_json(form.file) if form.file_name.lower().endswith(".json") else _from_csv(entity, form.file)
        made = await entities.store_new(context, who, entity, bodies)
    except Refusal as error:
        return answer({"status": "error", "details": str(error), "output": None})
    details = orjson.dumps(f"Successfully imported {len(made)} entities with RLS enforcement")
    return Answer(body=b'{"status":"success","details":' + details + b',"output":[' + b",".join(made) + b"]}")


def _from_json(content: bytes) -> list[Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise plain(422, "The file is no JSON") from error
    return value if isinstance(value, list) else [value]


def _from_csv(entity: Entity, content: bytes) -> list[dict[str, Any]]:
    """Read a table with a header; a cell is read as its field's type, and an empty one is left out."""
    try:
        text = content.decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise plain(422, "The file is no CSV in UTF-8") from error
    return [{key: _cell(entity, key, value) for key, value in line.items() if key and value} for line in lines]


def _cell(entity: Entity, name: str, text: str) -> Any:  # noqa: ANN401 - JSON is any value
    kind = names.kind_of(entity, name)
    if kind == "text" or not text:
        return text
    try:
        return orjson.loads(text.lower() if kind == "boolean" else text)
    except orjson.JSONDecodeError:
        return text


def _keys(given: object) -> list[str]:
    keys = [given] if isinstance(given, str) else given
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise plain(400, "key takes a field or a list of fields")
    return keys


def _records(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise plain(400, "records takes a list of objects")
    if not given or len(given) > MOST_AT_ONCE:
        raise plain(400, f"From 1 to {MOST_AT_ONCE} records may be upserted at once")
    return given
