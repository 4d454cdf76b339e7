"""What a POST, PUT, PATCH or DELETE on a relation writes, and what it has to return for the answer."""

from collections.abc import Iterable

from freehold.runtime.rest import errors, missing
from freehold.runtime.rest.cache.model import ComputedRelationship, Name, SchemaCache, Table
from freehold.runtime.rest.plan import resolve
from freehold.runtime.rest.plan.resolve import Context
from freehold.runtime.rest.plan.types import (
    AnyCondition,
    DeletePlan,
    InsertPlan,
    MutatePlan,
    PlannedField,
    ReadPlan,
    UpdatePlan,
)
from freehold.runtime.rest.preferences import Preferences
from freehold.runtime.rest.query.types import QueryParams

MERGE = "merge-duplicates"


def mutate_plan(  # noqa: PLR0913, PLR0917 - the request's parts that decide what is written
    method: str, cache: SchemaCache, name: Name, query: QueryParams, preferences: Preferences,
    columns: Iterable[str], read: ReadPlan,
) -> MutatePlan:  # fmt: skip
    """Plan the writing part of a request; raises ApiError PGRST105 or PGRST204."""
    table = cache.tables[name]
    context = Context(cache, name)
    returning = _returning(preferences, read, table)
    if method == "DELETE":
        return DeletePlan(target=name, where=_conditions(context, query), returning=returning)
    defaults = preferences.missing == "default"
    if method == "PATCH":
        return UpdatePlan(
            target=name,
            columns=_columns(context, table, columns),
            where=_conditions(context, query),
            returning=returning,
            apply_defaults=defaults,
        )
    if method == "PUT":
        _check_put(query, table)
    return InsertPlan(
        target=name,
        columns=_columns(context, table, columns),
        returning=returning,
        primary_key=table.primary_key,
        resolution=MERGE if method == "PUT" else preferences.resolution,
        conflict_columns=table.primary_key if method == "PUT" or query.on_conflict is None else query.on_conflict,
        put_conditions=_conditions(context, query) if method == "PUT" else (),
        apply_defaults=defaults and method != "PUT",
    )


def embed_columns(read: ReadPlan, primary_key: Iterable[str]) -> frozenset[str]:
    """The columns that a read plan on top of a mutation or call needs: selected ones, and those that embeds join on."""
    selected = {column.field.name for column in read.select}
    relationships = [child.relationship for child in read.children]
    if "*" in selected or any(isinstance(item, ComputedRelationship) for item in relationships):
        return frozenset({"*"})
    joined: set[str] = set()
    for item in relationships:
        if item is not None and not isinstance(item, ComputedRelationship):
            pairs = item.columns if item.junction is None else item.junction.source_columns
            joined.update(own for own, _ in pairs)
    return frozenset(selected | joined | set(primary_key))


def _returning(preferences: Preferences, read: ReadPlan, table: Table) -> tuple[str, ...]:
    if preferences.representation in ("", "minimal"):
        return ()
    return tuple(sorted(embed_columns(read, table.primary_key)))


def _conditions(context: Context, query: QueryParams) -> tuple[AnyCondition, ...]:
    own = [item for path, item in query.filters if not path]
    return tuple(resolve.condition(context, item) for item in (*own, *(tree for _, tree in query.logic)))


def _columns(context: Context, table: Table, names: Iterable[str]) -> tuple[PlannedField, ...]:
    fields = []
    for name in sorted(names):
        column = table.columns.get(name)
        if column is None:
            raise missing.column(table.name, name)
        fields.append(resolve.read_from_json(context, resolve.of_column(column)))
    return tuple(fields)


def _check_put(query: QueryParams, table: Table) -> None:
    """PUT takes exactly the primary key's columns, each with a plain `eq`."""
    plain = all(
        item.operation.operator == "eq" and not item.operation.negated and not item.operation.quantifier
        for path, item in query.filters
        if not path
    )
    if query.logic or not table.primary_key or query.filter_names != set(table.primary_key) or not plain:
        raise errors.bad_put_filters()
