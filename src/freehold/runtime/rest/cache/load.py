"""Read the catalogue. Runs with an empty search path, so that every type and name comes out qualified."""

import asyncio
from importlib import resources
from typing import Any, Protocol

import orjson

from freehold.runtime.database import Result, Statement
from freehold.runtime.rest.cache import relationships, views
from freehold.runtime.rest.cache.model import (
    ANY_ROW,
    MANY_TO_ONE,
    ONE_TO_ONE,
    Column,
    ComputedRelationship,
    Handler,
    Name,
    Parameter,
    Relationship,
    Routine,
    SchemaCache,
    Table,
)
from freehold.runtime.rest.query.filters import array_literal
from freehold.runtime.rest.settings import RestSettings

NAMES = (
    "tables", "foreign_keys", "keys", "relations", "functions", "computed_relationships", "representations",
    "media_handlers", "timezones",
)  # fmt: skip
_EMPTY_PATH: Statement = (
    "select set_config('search_path', '', true), set_config('statement_timeout', '120s', true)", ()
)  # fmt: skip


class Database(Protocol):
    """What runs statements as one transaction."""

    async def run(self, statements: list[Statement]) -> list[Result]:
        """Give one Result for each statement."""


async def load(database: Database, settings: RestSettings) -> SchemaCache:
    """Read everything in one transaction; raises DatabaseError or ConnectionLost."""
    exposed = _array(settings.db_schemas)
    with_extra = _array((*settings.db_schemas, *settings.db_extra_search_path))
    hoisted = _array(settings.db_hoisted_tx_settings)
    parameters: dict[str, tuple[bytes, ...]] = {
        "tables": (exposed,), "functions": (exposed, hoisted), "media_handlers": (exposed,),
    }  # fmt: skip
    statements: list[Statement] = [(statement(name), parameters.get(name, ())) for name in NAMES]
    results = await database.run([_EMPTY_PATH, *statements, (statement("views"), (with_extra, exposed))])
    # Large schemas take long to digest; the requests under way must not wait for that.
    return await asyncio.to_thread(_digest, results[1:-1], results[-1], settings)


def statement(name: str) -> str:
    """Give the text of one of this package's .sql files."""
    return resources.files(__package__).joinpath(f"{name}.sql").read_text()


def read_routine(row: dict[str, Any]) -> Routine:
    """Make a routine of a row of functions.sql."""
    return Routine(
        schema=row["schema"],
        name=row["name"],
        description=row["description"],
        parameters=tuple(Parameter(**item) for item in row["parameters"]),
        return_type=Name(*row["return_type"]),
        returns_set=row["returns_set"],
        returns_composite=row["returns_composite"],
        volatility=row["volatility"],
        isolation=row["isolation"],
        settings=tuple((name, value) for name, value in row["settings"]),
    )


def _digest(results: list[Result], view_rows: Result, settings: RestSettings) -> SchemaCache:
    rows = {name: [orjson.loads(row[0] or b"null") for row in result.rows]
            for name, result in zip(NAMES, results, strict=True)}  # fmt: skip
    all_views = [views.read_view(orjson.loads(row[0] or b"{}"), (row[1] or b"").decode()) for row in view_rows.rows]
    relations = {row["oid"]: row for row in rows["relations"]}
    dependencies = views.dependencies(all_views, views.read_keys(rows["keys"]), relations)
    tables = relationships.with_view_keys({_name(row): _table(row) for row in rows["tables"]}, dependencies)
    found = relationships.derive(
        tables,
        [_foreign_key(row) for row in rows["foreign_keys"]],
        dependencies,
        [_computed(row) for row in rows["computed_relationships"]],
    )
    return SchemaCache(
        tables={name: table for name, table in tables.items() if name.schema in settings.db_schemas},
        relationships=relationships.only_exposed(found, settings.db_schemas),
        routines=group_routines([read_routine(row) for row in rows["functions"]]),
        representations={(source, target): function for source, target, function in rows["representations"]},
        handlers=_handlers(rows["media_handlers"]),
        timezones=frozenset(name for row in rows["timezones"] for name in row or ()),
    )


def group_routines(routines: list[Routine]) -> dict[Name, tuple[Routine, ...]]:
    """Bring overloads together, those with the fewest parameters first."""
    grouped: dict[Name, list[Routine]] = {}
    for routine in routines:
        grouped.setdefault(Name(routine.schema, routine.name), []).append(routine)
    return {name: tuple(sorted(items, key=_overload_key)) for name, items in grouped.items()}


def _overload_key(routine: Routine) -> tuple[object, ...]:
    parameters = [(item.name, item.type, item.required, item.variadic) for item in routine.parameters]
    return len(parameters), routine.description or "", parameters


def _name(row: dict[str, Any]) -> Name:
    return Name(row["schema"], row["name"])


def _table(row: dict[str, Any]) -> Table:
    columns = {item["name"]: Column(**(item | {"enum": tuple(item["enum"])})) for item in row["columns"]}
    return Table(**(row | {"columns": columns, "primary_key": tuple(row["primary_key"])}))


def _foreign_key(row: dict[str, Any]) -> Relationship:
    return Relationship(
        table=Name(*row["table"]),
        foreign=Name(*row["foreign"]),
        is_self=row["is_self"],
        kind=ONE_TO_ONE if row["is_one_to_one"] else MANY_TO_ONE,
        constraint=row["constraint"],
        columns=tuple((own, other) for own, other in row["columns"]),
    )


def _computed(row: dict[str, Any]) -> ComputedRelationship:
    return ComputedRelationship(
        function=Name(*row["function"]),
        table=Name(*row["table"]),
        foreign=Name(*row["foreign"]),
        is_to_one=row["is_to_one"],
        is_self=row["is_self"],
    )


def _handlers(rows: list[dict[str, Any]]) -> dict[tuple[Name, str], Handler]:
    handlers = {}
    for row in rows:
        target = Name(*row["target"])
        target = ANY_ROW if target == ANY_ROW else target
        handlers[target, row["wanted"]] = Handler(Name(*row["function"]), target, row["media_type"], row["is_binary"])
    return handlers


def _array(items: tuple[str, ...]) -> bytes:
    return array_literal(list(items)).encode() if items else b"{}"
