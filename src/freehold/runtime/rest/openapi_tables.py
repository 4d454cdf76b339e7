"""Tables as OpenAPI definitions, and PostgreSQL's types as OpenAPI's."""

from collections.abc import Sequence
from typing import Any

import orjson

from freehold.runtime.rest.cache.model import MANY_TO_ONE, ONE_TO_ONE, AnyRelationship, Column, Relationship, Table

TYPES = {
    "character varying": "string", "character": "string", "text": "string", "boolean": "boolean",
    "smallint": "integer", "integer": "integer", "bigint": "integer", "numeric": "number", "real": "number",
    "double precision": "number",
}  # fmt: skip
FORMATS = {"smallint": "int32", "integer": "int32", "bigint": "int64"}
WITHOUT_TYPE = ("json", "jsonb")


def definition(table: Table, relationships: Sequence[AnyRelationship]) -> dict[str, Any]:
    """Describe a table's rows."""
    required = [column.name for column in table.columns.values() if not column.nullable]
    shown: dict[str, Any] = {
        "type": "object",
        "properties": {name: _property(table, column, relationships) for name, column in table.columns.items()},
    }
    if table.description is not None:
        shown["description"] = table.description
    if required:
        shown["required"] = required
    return shown


def typed(kind: str) -> dict[str, Any]:
    """Give type, format and items for a PostgreSQL type."""
    shown: dict[str, Any] = {"format": FORMATS.get(kind, kind)}
    name = swagger_type(kind)
    if name is not None:
        shown["type"] = name
    if name == "array":
        inner = swagger_type(kind[:-2])
        shown["items"] = {} if inner is None else {"type": inner}
    return shown


def swagger_type(kind: str) -> str | None:
    """Give OpenAPI's type, None for any."""
    if kind in WITHOUT_TYPE:
        return None
    return TYPES.get(kind) or ("array" if kind.endswith("[]") else "string")


def _property(table: Table, column: Column, relationships: Sequence[AnyRelationship]) -> dict[str, Any]:
    shown = typed(column.type)
    description = _description(table, column, relationships)
    if description is not None:
        shown["description"] = description
    if column.enum:
        shown["enum"] = list(column.enum)
    if column.max_length is not None:
        shown["maxLength"] = column.max_length
    default = _default(column)
    if default is not None:
        shown["default"] = default
    return shown


def _description(table: Table, column: Column, relationships: Sequence[AnyRelationship]) -> str | None:
    notes = []
    if column.name in table.primary_key:
        notes.append("This is a Primary Key.<pk/>")
    target = _foreign_key(column, relationships)
    if target is not None:
        name, key = target
        notes.append(f"This is a Foreign Key to `{name}.{key}`.<fk table='{name}' column='{key}'/>")
    if not notes:
        return column.description
    start = "" if column.description is None else column.description + "\n\n"
    return start + "\n".join(["Note:", *notes])


def _foreign_key(column: Column, relationships: Sequence[AnyRelationship]) -> tuple[str, str] | None:
    """Find the table, or else the view, that the column alone points at."""
    single = [
        item
        for item in relationships
        if isinstance(item, Relationship)
        and (item.kind == MANY_TO_ONE or (item.kind == ONE_TO_ONE and not item.is_parent))
        and [own for own, _ in item.columns] == [column.name]
    ]
    single.sort(key=lambda item: item.foreign_is_view)
    return (single[0].foreign.name, single[0].columns[0][1]) if single else None


def _default(column: Column) -> Any:  # noqa: ANN401 - any JSON value
    """Read a default that is a constant; an expression has no place in the document unless the type is text."""
    if column.default is None:
        return None
    if swagger_type(column.type) == "string":
        suffix = f"::{column.type}"
        return column.default.removesuffix(suffix).strip("'") if column.default.endswith(suffix) else column.default
    try:
        return orjson.loads(column.default)
    except ValueError:
        return None
