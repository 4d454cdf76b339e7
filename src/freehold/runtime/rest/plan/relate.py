"""Which relationship is meant by an embed, and the join it takes (PostgREST's "Resource Embedding")."""

from collections.abc import Iterable

from freehold.runtime.rest import missing
from freehold.runtime.rest.cache.model import (
    MANY_TO_MANY,
    MANY_TO_ONE,
    ONE_TO_MANY,
    AnyRelationship,
    ComputedRelationship,
    Name,
    Relationship,
    SchemaCache,
)
from freehold.runtime.rest.plan.types import SOURCE, JoinCondition, ReadPlan


def add_relationships(cache: SchemaCache, schema: str, root: ReadPlan, *, from_source: bool) -> None:
    """Find every embed's relationship and set its joins and aliases. `from_source`: the root's rows are in the CTE."""
    if from_source:
        # The CTE is given the table's name, so that relationships are found by it.
        root.alias = root.relation.name
        root.relation = SOURCE
    for child in root.children:
        _relate(cache, schema, root, child)


def _relate(cache: SchemaCache, schema: str, parent: ReadPlan, plan: ReadPlan) -> None:
    origin = parent.alias or parent.relation.name if plan.depth == 1 else parent.relation.name
    found = find(cache, schema, origin, plan.name, plan.hint)
    plan.relationship = found
    plan.relation = found.foreign
    plan.aggregate_alias = f"{found.table.name}_{plan.shown_name}_{plan.depth}"
    if isinstance(found, ComputedRelationship):
        plan.alias = f"{found.foreign.name}_{plan.depth}"
        plan.argument_alias = Name("", parent.alias) if parent.alias else found.table
    else:
        if found.kind != MANY_TO_MANY:
            plan.alias = f"{found.foreign.name}_{plan.depth}"
        plan.join_conditions = _join_conditions(found, plan.alias, parent.alias)
    if plan.spread is not None and not found.is_to_one:
        plan.spread.to_many = True
    for child in plan.children:
        _relate(cache, schema, plan, child)


def find(cache: SchemaCache, schema: str, origin: str, target: str, hint: str | None) -> AnyRelationship:
    """Give the one relationship that fits; none or several raise ApiError PGRST200 or PGRST201."""
    candidates = cache.relationships.get((Name(schema, origin), schema), ())
    fitting = [item for item in candidates if _fits(item, target, hint)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise missing.relationship(cache, schema, origin, target, hint)
    raise missing.ambiguous_relationship(origin, target, fitting)


def _fits(item: AnyRelationship, target: str, hint: str | None) -> bool:
    if isinstance(item, ComputedRelationship):
        return target == item.function.name
    if item.is_self:
        return _fits_self(item, target, hint)
    if hint is not None:
        return target == item.foreign.name and _is_hint(item, hint)
    if target == item.foreign.name:
        return True
    return not item.foreign_is_view and (_is_constraint(item, target) or _is_only_column(item, target, side=0))


def _fits_self(item: Relationship, target: str, hint: str | None) -> bool:
    """Within one table: its name means the many, the foreign key's column means the one."""
    if hint is not None:
        return target == item.foreign.name and item.kind == ONE_TO_MANY and _is_only_column(item, hint, side=1)
    return (target == item.foreign.name and item.kind == ONE_TO_MANY) or (
        item.kind == MANY_TO_ONE and _is_only_column(item, target, side=0)
    )


def _is_hint(item: Relationship, hint: str) -> bool:
    if item.junction is not None:
        return hint == item.junction.table.name
    return _is_constraint(item, hint) or _is_only_column(item, hint, side=0) or _is_only_column(item, hint, side=1)


def _is_constraint(item: Relationship, name: str) -> bool:
    return item.junction is None and item.constraint == name


def _is_only_column(item: Relationship, name: str, *, side: int) -> bool:
    return len(item.columns) == 1 and item.columns[0][side] == name


def _join_conditions(found: Relationship, alias: str | None, parent_alias: str | None) -> list[JoinCondition]:
    own = Name("", parent_alias) if parent_alias else found.table
    schema = found.table.schema
    if found.junction is not None:
        junction = Name(schema, found.junction.table.name)
        foreign = Name(schema, found.foreign.name)
        return [
            *_equal(junction, foreign, found.junction.target_columns),
            *_equal(junction, own, found.junction.source_columns),
        ]
    foreign = Name("", alias) if alias else Name(schema, found.foreign.name)
    return list(_equal(foreign, own, found.columns))


def _equal(left: Name, right: Name, pairs: Iterable[tuple[str, str]]) -> Iterable[JoinCondition]:
    return (JoinCondition((left, other), (right, own)) for own, other in pairs)
