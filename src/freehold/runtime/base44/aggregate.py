"""POST aggregate: groups and figures, computed by PostgreSQL over what the caller may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.platform.entities import names
from freehold.platform.entities.names import literal
from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import documents, filters
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Refusal, Request, plain
from freehold.runtime.base44.identity import Who
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Statement

MOST_GROUPS = 4
MOST_ROWS = 1000
_UNITS = {"hour": 13, "day": 10, "month": 7, "year": 4}
"""How much of a date's text names each bucket; a week is computed."""
_HAVING = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$eq": "=", "$ne": "<>"}


async def aggregate(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """Answer {rows, truncated}."""
    spec = await request.table()
    statement, limit = _statement(entity, spec, service=who.service)
    (result,) = await context.run(who, [statement])
    found = [row[0] or b"{}" for row in result.rows[:limit]]
    truncated = b"true" if len(result.rows) > limit else b"false"
    return Answer(body=b'{"rows":[' + b",".join(found) + b'],"truncated":' + truncated + b"}")


@dataclass(frozen=True)
class _Column:
    name: str
    sql: str
    group: bool = False


def _statement(entity: Entity, spec: Mapping[str, Any], *, service: bool) -> tuple[Statement, int]:
    params = Params()
    where = filters.condition(entity, spec.get("query") or {}, params, service=service)
    columns = [*_groups(entity, spec, service=service), *_figures(entity, spec, service=service)]
    if not columns:
        raise _wrong("nothing is asked for")
    given = spec.get("limit", MOST_ROWS)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise _wrong("limit is a whole number from 1")
    limit = min(given, MOST_ROWS)
    by_name = {column.name: f"c{index}" for index, column in enumerate(columns)}
    inner = ", ".join(f"{column.sql} as c{index}" for index, column in enumerate(columns))
    grouped = [f"{index + 1}" for index, column in enumerate(columns) if column.group]
    group = f" group by {', '.join(grouped)}" if grouped else ""
    having = _having(spec.get("having") or {}, by_name, params)
    order = _order(spec.get("sort"), by_name)
    parts = ", ".join(f"{literal(name)}, {alias}" for name, alias in by_name.items())
    size = f"{params.number(limit + 1)}::bigint"
    sql = (
        f"select jsonb_build_object({parts})::text"
        f" from (select {inner} from {names.table(entity)} where {where}{group}) as g"
        f" where {having} order by {order} limit {size}"
    )
    return (sql, params.values), limit


def _groups(entity: Entity, spec: Mapping[str, Any], *, service: bool) -> list[_Column]:
    wanted = _names(spec, "groupBy")
    if len(wanted) > MOST_GROUPS:
        raise _wrong(f"at most {MOST_GROUPS} fields can be grouped by")
    columns = [_Column(name, documents.visible_value(entity, name, service=service), group=True) for name in wanted]
    bucket = spec.get("dateBucket")
    if bucket is None:
        return columns
    if not isinstance(bucket, Mapping) or not isinstance(bucket.get("field"), str):
        raise _wrong("dateBucket takes a field and a unit")
    text = f"({documents.visible_value(entity, bucket['field'], service=service)} #>> '{{}}')"
    return [*columns, _Column(bucket["field"], _bucket(text, bucket.get("unit")), group=True)]


def _bucket(text: str, unit: object) -> str:
    """Name a bucket by its beginning; what is no date has none."""
    is_date = f"{text} ~ '^\\d{{4}}-\\d\\d-\\d\\d'"
    if unit == "week":
        start = f"to_char(date_trunc('week', substr({text}, 1, 10)::date), 'YYYY-MM-DD')"
    elif unit in _UNITS:
        start = f"substr({text}, 1, {_UNITS[str(unit)]})"
    else:
        raise _wrong("the unit of dateBucket is hour, day, week, month or year")
    return f"to_jsonb(case when {is_date} then {start} end)"


def _figures(entity: Entity, spec: Mapping[str, Any], *, service: bool) -> list[_Column]:
    columns = [] if spec.get("count") is False else [_Column("count", "to_jsonb(count(*))")]
    for kind in ("sum", "avg"):
        for name in _names(spec, kind):
            value = documents.visible_value(entity, name, service=service)
            number = f"case when jsonb_typeof({value}) = 'number' then ({value} #>> '{{}}')::numeric end"
            figure = f"coalesce({kind}({number}), 0)" if kind == "sum" else f"{kind}({number})::float8"
            columns.append(_Column(f"{kind}_{name}", f"to_jsonb({figure})"))
    for kind, way in (("min", "asc"), ("max", "desc")):
        for name in _names(spec, kind):
            value = documents.visible_value(entity, name, service=service)
            first = f"(array_agg({value} order by {value} {way}) filter (where jsonb_typeof({value}) <> 'null'))[1]"
            columns.append(_Column(f"{kind}_{name}", first))
    for name in _names(spec, "countDistinct"):
        value = documents.visible_value(entity, name, service=service)
        columns.append(_Column(f"count_distinct_{name}", f"to_jsonb(count(distinct nullif({value}, 'null')))"))
    return columns


def _having(spec: object, columns: Mapping[str, str], params: Params) -> str:
    """Compare figures; only those of this question can be named."""
    if not isinstance(spec, Mapping):
        raise _wrong("having is an object")
    parts = ["true"]
    for name, wanted in spec.items():
        if name not in columns:
            raise _wrong(f"having names {name}, which is not computed")
        operators = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
        for operator, value in operators.items():
            if operator not in _HAVING:
                raise _wrong(f"having does not know {operator}")
            parts.append(f"{columns[name]} {_HAVING[operator]} {params.json(value)}")
    return " and ".join(parts)


def _order(sort: object, columns: Mapping[str, str]) -> str:
    every = ", ".join(columns.values())
    if not sort:
        return every
    name = str(sort).lstrip("-+")
    if name not in columns:
        raise _wrong(f"sort names {name}, which is not computed")
    way = "desc nulls last" if str(sort).startswith("-") else "asc nulls first"
    return f"{columns[name]} {way}, {every}"


def _names(spec: Mapping[str, Any], key: str) -> list[str]:
    found = spec.get(key)
    names_ = [found] if isinstance(found, str) else found
    if names_ is None:
        return []
    if not isinstance(names_, list) or not all(isinstance(name, str) and name for name in names_):
        raise _wrong(f"{key} takes a field or a list of fields")
    return list(dict.fromkeys(names_))


def _wrong(why: str) -> Refusal:
    return plain(400, f"Invalid aggregate: {why}")
