"""The read plan of a request: a tree of relations with their columns, filters, order and ranges."""

from collections.abc import Callable, Iterable, Sequence

from freehold.runtime.rest import errors
from freehold.runtime.rest.cache.model import Column, Name, SchemaCache
from freehold.runtime.rest.plan import relate, resolve, spread
from freehold.runtime.rest.plan.resolve import Context
from freehold.runtime.rest.plan.types import (
    SOURCE,
    AnyCondition,
    Condition,
    ConditionTree,
    EmbedCondition,
    OrderKey,
    ReadPlan,
    SelectColumn,
    Spread,
    unknown_field,
)
from freehold.runtime.rest.query import params
from freehold.runtime.rest.query.types import (
    EmbedPath,
    Filter,
    Logic,
    OrderTerm,
    QueryParams,
    SelectField,
    SelectItem,
    SelectRelation,
)
from freehold.runtime.rest.ranges import Range, restrict


def read_plan(  # noqa: PLR0913 - the request's parts that decide what is read
    cache: SchemaCache,
    relation: Name,
    query: QueryParams,
    ranges: dict[str, Range],
    *,
    is_mutation: bool,
    is_call: bool = False,
    max_rows: int | None = None,
    aggregates_enabled: bool = False,
) -> ReadPlan:
    """Plan what a request returns; raises ApiError. A mutation's own filters are not part of what it returns."""
    root = _tree(cache, relation, query.select)
    context = Context(cache, relation)
    for path, item in reversed([item for item in query.filters if item[0] or not is_mutation]):
        node = _node(root, path)
        node.where.insert(0, resolve.condition(context._replace(relation=node.relation), item))
    for path, terms in reversed(query.order):
        _node(root, path).order = [_order_key(context, term) for term in terms]
    if not is_mutation:
        for name, rows in ranges.items():
            _node(root, params.embed_path_of_limit(name)).rows = rows
    _add_logic(context, root, [item for item in query.logic if item[0] or not is_mutation])
    relate.add_relationships(cache, relation.schema, root, from_source=is_mutation or is_call)
    _expand_stars(context, root, inside_aggregate=False)
    _each(root, _add_aliases)
    _each(root, _check_related_orders)
    _each(root, _mark_embed_filters)
    spread.add_embeds(root)
    if not aggregates_enabled and any(column.aggregate for node in _nodes(root) for column in node.select):
        raise errors.aggregates_not_allowed()
    spread.hoist_aggregates(root)
    spread.order_to_many(root)
    if not is_mutation:
        for node in _nodes(root):
            node.rows = restrict(node.rows, max_rows)
    return root


def _tree(cache: SchemaCache, relation: Name, items: Iterable[SelectItem]) -> ReadPlan:
    root = ReadPlan(relation=relation, name=relation.name, depth=0)
    _fill(cache, root, items)
    return root


def _fill(cache: SchemaCache, plan: ReadPlan, items: Iterable[SelectItem]) -> None:
    context = Context(cache, plan.relation)
    for item in items:
        if isinstance(item, SelectRelation):
            child = ReadPlan(
                relation=Name(plan.relation.schema, item.name),
                name=item.name,
                depth=plan.depth + 1,
                embed_alias=item.alias,
                hint=item.hint,
                inner=item.inner,
                spread=Spread() if item.spread else None,
            )
            _fill(cache, child, item.items)
            plan.children.append(child)
        else:
            plan.select.append(_column(context, item))


def _column(context: Context, item: SelectField) -> SelectColumn:
    known = resolve.shown(context, resolve.typed(context, item.field))
    return SelectColumn(known, item.aggregate, item.aggregate_cast, item.cast, item.alias)


def _node(root: ReadPlan, path: EmbedPath) -> ReadPlan:
    """Find the embed that a filter, order or limit belongs to; it moves to the front of its siblings."""
    node = root
    for name in path:
        child = next((item for item in node.children if name in (item.name, item.embed_alias)), None)
        if child is None:
            raise errors.not_embedded(name)
        node.children.remove(child)
        node.children.insert(0, child)
        node = child
    return node


def _add_logic(context: Context, root: ReadPlan, logic: Sequence[tuple[EmbedPath, Logic | Filter]]) -> None:
    for path, tree in reversed(logic):
        node = _node(root, path)
        node.where.insert(0, resolve.condition(context._replace(relation=node.relation), tree))


def _order_key(context: Context, term: OrderTerm) -> OrderKey:
    if term.relation is not None:
        return OrderKey(unknown_field(term.field), term.direction, term.nulls, term.relation)
    return OrderKey(resolve.typed(context, term.field), term.direction, term.nulls)


def _expand_stars(context: Context, plan: ReadPlan, *, inside_aggregate: bool) -> None:
    """Replace `*` by the columns where a whole row would not do: for conversions, GROUP BY and to-many spreads."""
    is_to_many_spread = plan.spread is not None and plan.spread.to_many
    inside = inside_aggregate or is_to_many_spread or any(column.aggregate for column in plan.select)
    relation = Name(context.relation.schema, plan.alias or "") if plan.relation == SOURCE else plan.relation
    table = context.cache.tables.get(relation)
    columns = list(table.columns.values()) if table else []
    own = Context(context.cache, relation)
    converted = any((column.nominal_type, "json") in context.cache.representations for column in columns)
    counted = ("", "count") if plan.spread is not None else ("",)
    has_star = any(item.field.name == "*" and item.aggregate in counted for item in plan.select)
    if has_star and (inside or converted):
        expanded = [_expanded(own, item, columns, is_spread=plan.spread is not None) for item in plan.select]
        plan.select = [column for items in expanded for column in items]
    for child in plan.children:
        _expand_stars(context, child, inside_aggregate=inside)


def _expanded(context: Context, item: SelectColumn, columns: list[Column], *, is_spread: bool) -> list[SelectColumn]:
    if item.field.name != "*" or item.field.path:
        return [item]
    if not item.aggregate:
        return [item._replace(field=resolve.shown(context, resolve.of_column(column))) for column in columns]
    if is_spread and item.aggregate == "count":
        return [item._replace(field=item.field._replace(whole_row=True))]
    return [item]


def _add_aliases(plan: ReadPlan) -> None:
    plan.select = [_aliased(column, is_spread=plan.spread is not None) for column in plan.select]


def _aliased(column: SelectColumn, *, is_spread: bool) -> SelectColumn:
    if column.alias is not None:
        return column
    if column.aggregate:
        return column._replace(alias=column.aggregate) if is_spread else column
    path = column.field.path
    if path:
        keys = [step.key for step in path if not step.is_index]
        return column._replace(alias=keys[-1] if keys else column.field.name)
    return column._replace(alias=column.field.name) if column.field.transform else column


def _check_related_orders(plan: ReadPlan) -> None:
    plan.order = [_related(plan, key) for key in plan.order]


def _related(plan: ReadPlan, key: OrderKey) -> OrderKey:
    if key.relation is None:
        return key
    child = next((item for item in plan.children if item.shown_name == key.relation), None)
    if child is None:
        raise errors.not_embedded(key.relation)
    if child.relationship is None or not child.relationship.is_to_one:
        raise errors.related_order_not_to_one(plan.relation.name, child.shown_name)
    return key._replace(relation=child.aggregate_alias)


def _mark_embed_filters(plan: ReadPlan) -> None:
    plan.where = [_marked(plan, item) for item in plan.where]


def _marked(plan: ReadPlan, item: AnyCondition) -> AnyCondition:
    if isinstance(item, ConditionTree):
        return item._replace(terms=tuple(_marked(plan, term) for term in item.terms))
    if isinstance(item, Condition) and not item.field.path:
        child = next((node for node in plan.children if node.shown_name == item.field.name), None)
        operation = item.operation
        if child is not None and operation.operator == "is" and operation.value.text == "null":
            return EmbedCondition(child.aggregate_alias, operation.negated)
    return item


def _nodes(plan: ReadPlan) -> Iterable[ReadPlan]:
    yield plan
    for child in plan.children:
        yield from _nodes(child)


def _each(plan: ReadPlan, change: Callable[[ReadPlan], None]) -> None:
    for node in _nodes(plan):
        change(node)
