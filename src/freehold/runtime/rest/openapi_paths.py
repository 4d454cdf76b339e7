"""Tables and functions as OpenAPI paths and parameters."""

from collections.abc import Iterable, Sequence
from typing import Any

from freehold.runtime.rest import media
from freehold.runtime.rest.cache.model import Parameter, Routine, Table
from freehold.runtime.rest.openapi_tables import FORMATS, swagger_type, typed

Json = dict[str, Any]
READ_PARAMETERS = ("select", "order", "range", "rangeUnit", "offset", "limit", "preferCount")
PRODUCED = [media.JSON, media.SINGULAR_STRIPPED, media.SINGULAR]


def paths(tables: Iterable[Table], routines: Iterable[Routine]) -> Json:
    """Describe every path."""
    shown: Json = {"/": {"get": _ROOT}}
    shown |= {f"/{table.name}": _table(table) for table in tables}
    return shown | {f"/rpc/{routine.name}": _function(routine) for routine in routines}


def parameters(tables: Iterable[Table]) -> Json:
    """Describe the parameters that paths refer to."""
    shown: Json = dict(_COMMON)
    for table in tables:
        shown[f"body.{table.name}"] = {
            "name": table.name, "description": table.name, "required": False, "in": "body",
            "schema": {"$ref": f"#/definitions/{table.name}"},
        }  # fmt: skip
        for column in table.columns.values():
            row_filter = _parameter(column.name, column.description, "query")
            shown[f"rowFilter.{table.name}.{column.name}"] = row_filter
    return shown


def _table(table: Table) -> Json:
    filters = [f"rowFilter.{table.name}.{name}" for name in table.columns]
    base = {"tags": [table.name], **_comment(table.description)}
    rows = {"type": "array", "items": {"$ref": f"#/definitions/{table.name}"}}
    found = {"200": {"description": "OK", "schema": rows}, "206": {"description": "Partial Content"}}
    shown: Json = {"get": base | {"parameters": _references([*filters, *READ_PARAMETERS]), "responses": found}}
    if table.insertable or table.updatable or table.deletable:
        body = f"body.{table.name}"
        shown["post"] = base | _written([body, "select", "preferPost"], "201", "Created")
        shown["patch"] = base | _written([*filters, body, "preferReturn"], "204", "No Content")
        shown["delete"] = base | _written([*filters, "preferReturn"], "204", "No Content")
    return shown


def _function(routine: Routine) -> Json:
    base = {
        "tags": [f"(rpc) {routine.name}"],
        "produces": PRODUCED,
        "responses": {"200": {"description": "OK"}},
        **_comment(routine.description),
    }
    arguments: Json = {
        "type": "object",
        "properties": {item.name: typed(item.type) for item in routine.parameters},
    }
    required = [item.name for item in routine.parameters if item.required]
    if required:
        arguments["required"] = required
    if routine.description is not None:
        arguments["description"] = routine.description
    body = {"name": "args", "required": True, "in": "body", "schema": arguments}
    shown: Json = {"post": base | {"parameters": [body, *_references(["preferParams"])]}}
    if routine.volatility != "volatile":
        shown["get"] = base | {"parameters": [_argument(item) for item in routine.parameters]}
    return shown


def _argument(item: Parameter) -> Json:
    shown: Json = {"name": item.name, "required": item.required, "in": "query"}
    kind = swagger_type(item.type)
    if item.variadic:
        inner = item.type[:-2]
        items: Json = {"format": FORMATS.get(inner, inner)}
        inner_kind = swagger_type(inner)
        if inner_kind is not None:
            items["type"] = inner_kind
        return shown | {"type": kind or "string", "collectionFormat": "multi", "items": items}
    # Arrays are written as {...} in a URL, and a query parameter must have a type.
    plain = "string" if kind in (None, "array") else kind
    return shown | {"type": plain, "format": FORMATS.get(item.type, item.type)}


def _written(names: Sequence[str], status: str, phrase: str) -> Json:
    return {"parameters": _references(names), "responses": {status: {"description": phrase}}}


def _references(names: Iterable[str]) -> list[Json]:
    return [{"$ref": f"#/parameters/{name}"} for name in names]


def _comment(text: str | None) -> Json:
    """The first line of a comment is the summary, the rest the description."""
    if text is None:
        return {}
    summary, _, description = text.partition("\n")
    description = description.lstrip("\n")
    return {"summary": summary} | ({"description": description} if description else {})


def _parameter(name: str, description: str | None, place: str) -> Json:
    shown: Json = {"name": name, "required": False, "in": place, "type": "string"}
    return shown if description is None else shown | {"description": description}


def _preference(*values: str) -> Json:
    shown = _parameter("Prefer", "Preference", "header")
    return shown | {"enum": list(values)} if values else shown


_ROOT: Json = {
    "tags": ["Introspection"],
    "summary": "OpenAPI description (this document)",
    "produces": [media.OPENAPI, media.JSON],
    "responses": {"200": {"description": "OK"}},
}
_RETURN = ("return=representation", "return=minimal", "return=none")
_RESOLUTION = ("resolution=ignore-duplicates", "resolution=merge-duplicates")
_COMMON: Json = {
    "preferParams": _preference(),
    "preferReturn": _preference(*_RETURN),
    "preferCount": _preference("count=none"),
    "preferPost": _preference(*_RETURN, *_RESOLUTION),
    "select": _parameter("select", "Filtering Columns", "query"),
    "on_conflict": _parameter("on_conflict", "On Conflict", "query"),
    "order": _parameter("order", "Ordering", "query"),
    "range": _parameter("Range", "Limiting and Pagination", "header"),
    "rangeUnit": _parameter("Range-Unit", "Limiting and Pagination", "header") | {"default": "items"},
    "offset": _parameter("offset", "Limiting and Pagination", "query"),
    "limit": _parameter("limit", "Limiting and Pagination", "query"),
}
