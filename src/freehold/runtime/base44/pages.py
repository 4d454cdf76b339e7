"""GET v2/list: one page of records or of distinct values. The cursor carries the whole question, so that it goes on."""

import base64
from typing import Any

import orjson

from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import documents, filters, rows
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.entities import fields_of, number, query_of
from freehold.runtime.base44.http import Answer, Request, answer, plain
from freehold.runtime.base44.identity import Who
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Statement

USUAL_PAGE = 100
MOST_DISTINCT = 1000


async def list_page(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """Answer {items, next_cursor, has_more}."""
    given = _cursor(request.query["cursor"]) if request.query.get("cursor") else {}
    distinct = given.get("distinct") or request.query.get("distinct")
    if distinct:
        return await _distinct(context, request, who, entity, str(distinct))
    question = {
        "q": given.get("q", query_of(request)),
        "sort": given.get("sort") or request.query.get("sort") or rows.DEFAULT_SORT,
        "fields": given.get("fields", fields_of(request)),
    }
    limit = min(number(request, "limit") or USUAL_PAGE, rows.MOST_ROWS)
    (result,) = await context.run(who, [_page(entity, question, given.get("after"), limit + 1, service=who.service)])
    found = result.rows[:limit]
    has_more = len(result.rows) > limit
    after = [orjson.loads(found[-1][1] or b"null"), (found[-1][2] or b"").decode()] if found and has_more else None
    cursor = _written(question | {"after": after}) if has_more else None
    tail = orjson.dumps({"next_cursor": cursor, "has_more": has_more})[1:]
    return Answer(body=b'{"items":' + rows.document_list(found) + b"," + tail)


def _page(entity: Entity, question: dict[str, Any], after: Any, limit: int, *, service: bool) -> Statement:  # noqa: ANN401
    """A document, its sort value and its id a row, beginning behind `after`."""
    params = Params()
    where = filters.condition(entity, question["q"], params, service=service)
    sort = str(question["sort"])
    key = documents.sort_key(entity, sort.lstrip("-+"), service=service)
    if after:
        where = f"({where} and {_behind(key, after, params, descending=sort.startswith('-'))})"
    text = documents.document(entity, question["fields"], service=service)
    sql = (
        f"select {text}, coalesce(to_jsonb({key}), 'null'), id from {names.table(entity)} where {where}"
        f" order by {rows.order_by(entity, sort, service=service)} limit {params.number(limit)}::bigint"
    )
    return sql, params.values


def _behind(key: str, after: Any, params: Params, *, descending: bool) -> str:  # noqa: ANN401 - from a cursor
    """Rows that come after one with this sort value and id; missing values are first going up and last going down."""
    if not isinstance(after, list) or len(after) != 2 or not isinstance(after[1], str):  # noqa: PLR2004
        raise _wrong()
    last, identity = after
    same, way = params.text(identity), "<" if descending else ">"
    if last is None:
        beyond = f"({key} is null and id {way} {same})"
        return beyond if descending else f"({beyond} or {key} is not null)"
    place = _typed(last, key, params)
    beyond = f"({key} {way} {place} or ({key} = {place} and id {way} {same}))"
    return f"({beyond} or {key} is null)" if descending else beyond


def _typed(last: object, key: str, params: Params) -> str:
    """A parameter of the sort key's own type: jsonb where the key is an expression."""
    if key.startswith("("):
        return params.json(last)
    if isinstance(last, bool):
        return params.boolean(value=last)
    if isinstance(last, int | float):
        return params.number(last)
    return params.text(last) if isinstance(last, str) else params.json(last)


async def _distinct(context: Context, request: Request, who: Who, entity: Entity, name: str) -> Answer:
    """Distinct values of one field, elements of arrays one by one; at most 1,000."""
    params = Params()
    where = filters.condition(entity, query_of(request), params, service=who.service)
    value = documents.visible_value(entity, name, service=who.service)
    limit = min(number(request, "limit") or USUAL_PAGE, MOST_DISTINCT)
    sql = (
        f"select coalesce(jsonb_agg(x order by x), '[]') from (select distinct e as x from {names.table(entity)},"
        f" lateral (select {value} as v) as f, lateral jsonb_array_elements(case when jsonb_typeof(v) = 'array' then v"
        f" else jsonb_build_array(v) end) as e where v is not null and {where}"
        f" order by 1 limit {params.number(limit)}::bigint) as d"
    )
    (result,) = await context.run(who, [(sql, params.values)])
    return answer({"items": orjson.loads(result.one()[0] or b"[]"), "next_cursor": None, "has_more": False})


def _written(question: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(question)).decode().rstrip("=")


def _cursor(text: str) -> dict[str, Any]:
    """Read a cursor; nothing in it is trusted more than the same words in the query."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise _wrong() from error
    fields = value.get("fields") if isinstance(value, dict) else 0
    if not isinstance(value, dict) or not (fields is None or isinstance(fields, list)):
        raise _wrong()
    return value | {"fields": [str(name) for name in fields] if fields else None}


def _wrong() -> Exception:
    return plain(400, "Invalid cursor")
