"""What rows in an app's history tell of columns: an id that is filled with a word is no UUID."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from freehold.core.inventory import MigrationFile
from freehold.data.migrations.statements import salvaged
from freehold.data.schema import guesses
from freehold.data.schema.types_ts import Table, Types

Place = tuple[str, str]
"""A table of schema public, and its column."""


@lru_cache(maxsize=2)
def words(files: Sequence[MigrationFile]) -> frozenset[Place]:
    """Find the columns that INSERT ... VALUES fills with a text that is no UUID. `files` is a tuple."""
    return frozenset(
        place
        for file in files
        if "insert" in file.sql.lower()
        for statement in salvaged(file.sql)
        if statement.kind == "insert"
        for place in _of_insert(statement.node)
    )


def with_words(types: Types, places: Collection[Place]) -> Types:
    """Say of columns that would be made as UUIDs that they are text."""
    return replace(
        types,
        schemas={
            name: replace(schema, tables={key: _with_words(table, places) for key, table in schema.tables.items()})
            if name == "public"
            else schema
            for name, schema in types.schemas.items()
        },
    )


def _with_words(table: Table, places: Collection[Place]) -> Table:
    columns = tuple(
        replace(column, type="text")
        if (table.name, column.name) in places and guesses.guess(table, column, {}).type == "uuid"
        else column
        for column in table.columns
    )
    return replace(table, columns=columns)


def _of_insert(node: Any) -> Iterator[Place]:  # noqa: ANN401 - postgast's protobuf classes carry no types
    if node.relation.schemaname not in {"", "public"}:
        return
    names = [item.res_target.name for item in node.cols]
    for row in node.select_stmt.select_stmt.values_lists:
        for name, item in zip(names, row.list.items, strict=False):
            value = item.a_const if item.WhichOneof("node") == "a_const" else None
            if value is not None and value.WhichOneof("val") == "sval" and not _is_uuid(value.sval.sval):
                yield node.relation.relname, name


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
