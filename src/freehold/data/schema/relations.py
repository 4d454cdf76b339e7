"""One schema of a database in the same shape as types.ts has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from freehold.kit import postgres

_NUMBERS = frozenset({"smallint", "integer", "bigint", "real", "double precision", "numeric"})
_TEXTS = frozenset(
    {"uuid", "text", "character varying", "character", "bytea", "date", "time without time zone", "vector"}
    | {"time with time zone", "timestamp without time zone", "timestamp with time zone", '"char"', "citext", "name"}
)
_TYPES: Mapping[str, str] = (
    dict.fromkeys(_NUMBERS, "number")
    | dict.fromkeys(_TEXTS, "string")
    | {"boolean": "boolean", "json": "Json", "jsonb": "Json"}
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """`written` is the TypeScript type, "" where the generator's choice is not known; `sql_type` is PostgreSQL's."""

    name: str
    written: str
    sql_type: str
    nullable: bool


@dataclass(frozen=True, kw_only=True)
class Relations:
    """Tables, views, functions and enums by name; a function has the identity arguments of its overloads."""

    tables: dict[str, dict[str, Column]]
    views: dict[str, dict[str, Column]]
    functions: dict[str, tuple[str, ...]]
    enums: dict[str, tuple[str, ...]]


def read(connection: postgres.Connection, schema: str) -> Relations:
    """Read the catalogue; a schema that is not there is empty."""
    query = resources.files("freehold.data.schema").joinpath("relations.sql").read_text(encoding="utf-8")
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog, extensions, pg_temp")
        row = connection.execute(query, (schema,)).fetchone()
    found: dict[str, Any] = row[0] if row else {"relations": {}, "functions": {}, "enums": {}}
    relations = {name: _columns(item["columns"]) for name, item in sorted(found["relations"].items())}
    views = {name for name, item in found["relations"].items() if item["kind"] in {"v", "m"}}
    return Relations(
        tables={name: columns for name, columns in relations.items() if name not in views},
        views={name: columns for name, columns in relations.items() if name in views},
        functions={name: tuple(items) for name, items in sorted(found["functions"].items())},
        enums={name: tuple(labels or ()) for name, labels in sorted(found["enums"].items())},
    )


def _columns(found: dict[str, Any]) -> dict[str, Column]:
    return {
        name: Column(name=name, written=_written(item), sql_type=item["full"], nullable=item["nullable"])
        for name, item in found.items()
    }


def _written(item: dict[str, Any]) -> str:
    is_array = item["element"] is not None
    kind = item["element"] or item["category"]
    plain = item["type"].removesuffix("[]").removeprefix("extensions.")
    found = f"enum {item['schema']}.{item['name']}" if kind == "e" else _TYPES.get(plain, "")
    return f"{found}[]" if is_array and found else found
