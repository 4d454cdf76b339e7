"""Which SQL type a column of types.ts most likely has, and on what evidence; in doubt the one that loses nothing."""

import re
from dataclasses import dataclass

from psycopg import sql

from freehold.data.schema.relations import Relations
from freehold.data.schema.types_ts import Column, Schema, Table

PERSON = re.compile(r"^(.*_)?(user|owner|author|creator|profile|sender|recipient|receiver|member|assignee|account)_id$")
_ACTED = re.compile(r"^(created|updated|deleted|approved|assigned|invited|uploaded|reviewed|resolved|actor)_by$")
_MOMENT = re.compile(r"(_at|_until|^timestamp)$")
_PLAIN = {"boolean": "boolean", "Json": "jsonb", "number": "numeric", "string": "text", "uuid": "uuid", "text": "text"}
_NOW = frozenset({"created_at", "updated_at", "inserted_at"})


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A column as it will be made. `type` and `default` are SQL, with names quoted."""

    column: str
    type: str
    why: str
    default: str = ""
    identity: bool = False
    not_null: bool = False


def known_types(schema: Schema, found: Relations) -> dict[tuple[str, str], str]:
    """Give the SQL type of every column that exists, by table and column, and of the ids that will be made."""
    known = {
        (table, name): column.sql_type for table, columns in found.tables.items() for name, column in columns.items()
    }
    for table in schema.tables.values():
        for column in table.columns:
            if (table.name, column.name) not in known:
                known[table.name, column.name] = guess(table, column, {}).type
    return known


def guess(table: Table, column: Column, known: dict[tuple[str, str], str]) -> Guess:
    """Choose for one column; `known` are the types of columns that relationships may point at."""
    chosen, why = _type(table, column, known)
    identity = column.name == "id" and chosen == "bigint" and column.defaulted
    default = _default(column, chosen)
    if column.defaulted and not default and not identity:
        why += "; it has a default that types.ts does not tell"
    return Guess(
        column=column.name,
        type=chosen,
        why=why,
        default=default,
        identity=identity,
        not_null=not column.nullable and (bool(default) or identity or not column.defaulted),
    )


def _type(table: Table, column: Column, known: dict[tuple[str, str], str]) -> tuple[str, str]:
    for item in table.relationships:
        if column.name in item.columns and len(item.columns) == len(item.referenced_columns):
            target = item.referenced_columns[item.columns.index(column.name)]
            if (item.referenced, target) in known:
                return known[item.referenced, target], f"as {item.referenced}.{target}, to which it refers"
    if column.type.endswith("[]"):
        inner, why = _scalar(column, column.type.removesuffix("[]"))
        return f"{inner}[]", why
    return _scalar(column, column.type)


def _scalar(column: Column, written: str) -> tuple[str, str]:
    kind, _, name = written.partition(" ")
    if kind == "enum" and "." in name:
        return sql.Identifier(*name.split(".", 1)).as_string(), "an enum"
    if kind == "string":
        return _text(column)
    if kind == "number" and column.name == "id":
        return "bigint", "a numeric id"
    if kind == "number":
        return "numeric", "any number fits"
    if kind in _PLAIN:
        return _PLAIN[kind], "by its type"
    return "text", f"types.ts says {written}, which names no SQL type"


def _text(column: Column) -> tuple[str, str]:
    if column.type.endswith("[]"):
        return "text", "by its type"
    if column.name == "id" and (column.defaulted or not column.nullable):
        return "uuid", "an id"
    if PERSON.search(column.name) or _ACTED.search(column.name):
        return "uuid", "by its name it holds a user's id"
    if _MOMENT.search(column.name):
        return "timestamp with time zone", "by its name"
    return "text", "by its type"


def _default(column: Column, chosen: str) -> str:
    if not column.defaulted:
        return ""
    if column.name == "id" and chosen == "uuid":
        return "gen_random_uuid()"
    if column.name in _NOW and chosen.startswith("timestamp"):
        return "now()"
    return ""
