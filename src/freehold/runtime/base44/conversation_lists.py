"""What a list of conversations is asked for: a filter, an order, a page and fields, as the SDK writes them."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson

from freehold.platform.entities.names import identifier, literal
from freehold.runtime.base44 import entities, filters
from freehold.runtime.base44.http import Request, plain
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Statement

TEXTS = ("id", "agent_name", "created_by_id", "created_date", "updated_date")
OBJECTS = ("messages", "metadata")
NEWEST_FIRST = "-updated_date"
MOST = 1000
_NESTED = re.compile(r"q((?:\[[^\[\]]*\])+)")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile("[0-9]{1,9}")


def statement(request: Request, app_id: str) -> Statement:
    """Give the statement that makes the list as one JSON array; what is no query is refused with 400."""
    pairs = parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    params = Params()
    query = entities.query_of(request) if "q" in request.query else _nested(pairs)
    where = filters.condition_over(_place, query, params)
    most = params.number(min(entities.number(request, "limit") or MOST, MOST))
    skip = params.number(entities.number(request, "skip"))
    sort = request.query.get("sort") or request.query.get("sort_by") or NEWEST_FIRST
    sql = (
        f"select coalesce(jsonb_agg(d), '[]') from (select {document(app_id, _fields(request, pairs))} as d"
        f" from base44.conversation where {where} order by {_order(sort)} limit {most}::bigint offset {skip}::bigint)"
        " as c"
    )
    return sql, params.values


def document(app_id: str, fields: Sequence[str] = ()) -> str:
    """Give the SQL expression of a conversation; with `fields`, of those only."""
    values = {"app_id": literal(app_id), **{name: identifier(name) for name in (*TEXTS, *OBJECTS)}}
    chosen = {name: value for name, value in values.items() if not fields or name in fields}
    return "jsonb_build_object(" + ", ".join(f"{literal(name)}, {value}" for name, value in chosen.items()) + ")"


def _place(key: str) -> filters.Place:
    if key in TEXTS:
        return filters.Place("text", identifier(key), f"to_jsonb({identifier(key)})")
    return filters.Place("json", "", identifier(key) if key in OBJECTS else "null::jsonb")


def _order(sort: str) -> str:
    name = sort.lstrip("-+")
    column = identifier(name if name in TEXTS else NEWEST_FIRST.lstrip("-"))
    way = "desc" if sort.startswith("-") else "asc"
    return f"{column} {way}, id {way}"


def _fields(request: Request, pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [value for name, value in pairs if name == "fields[]"] or entities.fields_of(request) or []


def _nested(pairs: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - JSON is any value
    """Read q[name][$in][]=value, which is how an object that nobody wrote as JSON stands in an address."""
    found: dict[str, Any] = {}
    for name, text in pairs:
        match = _NESTED.fullmatch(name)
        if match is None:
            continue
        steps = _STEP.findall(match[1])
        if len(steps) > filters.DEEPEST:
            raise plain(400, "Invalid query parameter 'q': the query is nested too deeply")
        _put(found, steps, _value(steps[0], text))
    return _with_lists(found)


def _put(found: dict[str, Any], steps: Sequence[str], value: object) -> None:
    for step in steps[:-1]:
        found = found.setdefault(step or str(len(found)), {})
        if not isinstance(found, dict):
            raise plain(400, "Invalid query parameter 'q': a field stands in it in two forms")
    found[steps[-1] or str(len(found))] = value


def _value(field: str, text: str) -> object:
    """Addresses hold text only: what reads as a number or a truth value is one, where a field can hold such."""
    if field.partition(".")[0] not in OBJECTS:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(value, str | list | dict) else value


def _with_lists(value: object) -> Any:  # noqa: ANN401 - JSON is any value
    if not isinstance(value, dict):
        return value
    if value and all(_PLACE.fullmatch(name) for name in value):
        return [_with_lists(item) for _, item in sorted(value.items(), key=lambda pair: int(pair[0]))]
    return {name: _with_lists(item) for name, item in value.items()}
