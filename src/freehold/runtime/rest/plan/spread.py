"""How embeds appear in their parent's select list: as JSON, or spread; with aggregates hoisted to where they count."""

from freehold.runtime.rest import errors
from freehold.runtime.rest.plan.types import (
    EmbedSelect,
    OrderKey,
    PlannedField,
    ReadPlan,
    SelectColumn,
    SpreadColumn,
    SpreadSelect,
)

Hoisted = dict[tuple[str, str], SpreadColumn]
"""By aggregate alias and column: the aggregate to apply one level up."""


def add_embeds(plan: ReadPlan) -> None:
    """Fill `embeds` of every node from its children."""
    for child in plan.children:
        add_embeds(child)
    plan.embeds = [_embed(child) for child in plan.children]


def hoist_aggregates(root: ReadPlan) -> None:
    """Move aggregates of to-one spreads up to the level whose rows they should group."""
    _hoist(root)


def order_to_many(plan: ReadPlan) -> None:
    """Move a to-many spread's order into its json_agg; aggregates inside one raise ApiError PGRST127."""
    if plan.spread is not None and plan.spread.to_many:
        spread_columns = [item for embed in plan.embeds if isinstance(embed, SpreadSelect) for item in embed.columns]
        if any(item.aggregate for item in plan.select) or any(item.aggregate for item in spread_columns):
            raise errors.not_implemented("Aggregates are not implemented for one-to-many or many-to-many spreads.")
        for place, key in enumerate(plan.order, start=1):
            alias = f"{plan.aggregate_alias}_{key.field.name}_{place}"
            plan.spread.extra.append((key.relation, SelectColumn(key.field, alias=alias)))
            plan.spread.order.append(OrderKey(PlannedField(alias), key.direction, key.nulls))
        plan.order = []
    for child in plan.children:
        order_to_many(child)


def _embed(plan: ReadPlan) -> EmbedSelect | SpreadSelect:
    if plan.spread is not None:
        return SpreadSelect(tuple(_spread_columns(plan)), plan.aggregate_alias)
    is_object = plan.relationship is not None and plan.relationship.is_to_one
    return EmbedSelect(plan.shown_name, plan.aggregate_alias, is_object, _selects_nothing(plan))


def _selects_nothing(plan: ReadPlan) -> bool:
    return not plan.select and all(_selects_nothing(child) for child in plan.children)


def _spread_columns(plan: ReadPlan) -> list[SpreadColumn]:
    columns = [SpreadColumn(item.field.name if item.alias is None else item.alias) for item in plan.select]
    for embed in plan.embeds:
        if isinstance(embed, SpreadSelect):
            columns.extend(embed.columns)
        else:
            columns.append(SpreadColumn(embed.name))
    return columns


def _hoist(plan: ReadPlan) -> Hoisted:
    below: Hoisted = {}
    for child in plan.children:
        below |= _hoist(child)
    is_to_one_spread = plan.spread is not None and not plan.spread.to_many
    if plan.depth and is_to_one_spread:
        own: Hoisted = {}
        for item in plan.select:
            if item.aggregate:
                hoisted = SpreadColumn("", item.aggregate, item.aggregate_cast, item.alias)
                own[plan.aggregate_alias, _hoisted_name(item)] = hoisted
        plan.select = [item._replace(aggregate="", aggregate_cast="") for item in plan.select]
        return own | {(plan.aggregate_alias, name): item for (_, name), item in below.items()}
    plan.embeds = [_with_aggregates(item, below) for item in plan.embeds]
    return {}


def _hoisted_name(item: SelectColumn) -> str:
    return item.field.name if item.alias is None else item.alias


def _with_aggregates(embed: EmbedSelect | SpreadSelect, hoisted: Hoisted) -> EmbedSelect | SpreadSelect:
    if isinstance(embed, EmbedSelect):
        return embed
    columns = []
    for column in embed.columns:
        found = hoisted.get((embed.aggregate_alias, column.name))
        columns.append(column if found is None else found._replace(name=column.name))
    return embed._replace(columns=tuple(columns))
