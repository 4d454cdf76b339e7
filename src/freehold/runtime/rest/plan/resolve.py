"""What is known of a column when a request names it: its type, and a conversion if its domain has one."""

from typing import NamedTuple

from freehold.runtime.rest.cache.model import Column, Name, SchemaCache
from freehold.runtime.rest.plan.types import AnyCondition, Condition, ConditionTree, PlannedField, unknown_field
from freehold.runtime.rest.query.filters import SEARCH_OPERATORS
from freehold.runtime.rest.query.types import Field, Filter, Logic


class Context(NamedTuple):
    """The relation whose columns are named."""

    cache: SchemaCache
    relation: Name


def of_column(column: Column) -> PlannedField:
    """Describe a column that exists."""
    return PlannedField(
        column.name, type=column.nominal_type, base_type=column.type, default=column.default
    )  # fmt: skip


def typed(context: Context, source: Field, search_language: str | None = None) -> PlannedField:
    """Describe a column if it exists; computed columns and those of functions are left to PostgreSQL."""
    table = context.cache.tables.get(context.relation)
    column = table.columns.get(source.name) if table else None
    if column is None:
        # Nothing is known of a computed column's type: search functions get it as it is.
        return unknown_field(source)._replace(to_json=True)
    known = of_column(column)._replace(path=source.path, search_language=search_language)
    if known.type in ("json", "jsonb"):
        return known
    if known.base_type == "tsvector":
        return known._replace(to_json=True, search_language=None)
    return known._replace(to_json=True)


def shown(context: Context, known: PlannedField) -> PlannedField:
    """Add the function that shows the column as JSON, if it has one."""
    return _transformed(context, known, (known.type, "json"))


def read_from_json(context: Context, known: PlannedField) -> PlannedField:
    """Add the function that reads the column from a JSON body."""
    return _transformed(context, known, ("json", known.type), becomes="json")


def condition(context: Context, source: Filter | Logic) -> AnyCondition:
    """Describe a filter or a tree of them."""
    if isinstance(source, Logic):
        return ConditionTree(source.negated, source.word, tuple(condition(context, item) for item in source.terms))
    operation = source.operation
    language = operation.language if operation.operator in SEARCH_OPERATORS else None
    known = typed(context, source.field, language)
    return Condition(_transformed(context, known, ("text", known.type), becomes="text"), operation)


def _transformed(context: Context, known: PlannedField, pair: tuple[str, str], becomes: str = "") -> PlannedField:
    function = context.cache.representations.get(pair)
    if function is None:
        return known
    return known._replace(transform=function, type=becomes or known.type)
