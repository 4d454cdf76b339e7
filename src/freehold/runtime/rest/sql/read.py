"""SELECT for a read plan, and the SELECT that counts its rows."""

from freehold.runtime.rest.cache.model import ComputedRelationship, Name
from freehold.runtime.rest.plan.types import (
    AnyCondition,
    ConditionTree,
    EmbedCondition,
    EmbedSelect,
    PlannedField,
    ReadPlan,
    SelectColumn,
    SpreadColumn,
    SpreadSelect,
)
from freehold.runtime.rest.sql import fields
from freehold.runtime.rest.sql.snippet import Snippet, identifier, join, qualified

_EVERYTHING = SelectColumn(PlannedField("*"))


def select(plan: ReadPlan) -> Snippet:
    """Read the rows of a plan with its embeds joined laterally."""
    relation = source_name(plan)
    columns = plan.select if plan.select or plan.children else [_EVERYTHING]
    items = [fields.selected(relation, column) for column in columns]
    items += _spread_extras(plan, relation)
    items += [item for embed in plan.embeds for item in _embed_columns(embed)]
    conditions = [fields.condition(relation, item) for item in plan.where]
    conditions += [fields.joined(item) for item in plan.join_conditions]
    return (
        "SELECT ", *join(", ", items), *_from(plan), *_joins(plan), *fields.where(conditions),
        *_group_by(plan, relation), *fields.order_by(relation, plan.order), *fields.limit_offset(plan.rows),
    )  # fmt: skip


def count(plan: ReadPlan) -> Snippet:
    """Give one row for each row the plan would find without its limits; inner embeds become EXISTS."""
    relation = source_name(plan)
    conditions = [_count_condition(plan, relation, item) for item in plan.where]
    conditions += [fields.joined(item) for item in plan.join_conditions]
    conditions += [("EXISTS (", *count(child), ")") for child in plan.children if child.inner]
    return ("SELECT 1", *_from(plan), *fields.where(conditions))


def source_name(plan: ReadPlan) -> Name:
    """What the columns of a plan's relation are qualified with."""
    if isinstance(plan.relationship, ComputedRelationship):
        return Name("", plan.alias or plan.relationship.function.name)
    return Name("", plan.alias) if plan.alias else plan.relation


def _from(plan: ReadPlan) -> Snippet:
    found = plan.relationship
    source = qualified(plan.relation)
    if isinstance(found, ComputedRelationship):
        # The cast settles which overload of the function is meant when the rows come from the CTE.
        argument = identifier((plan.argument_alias or found.table).name)
        source = f"{qualified(found.function)}({argument}::{qualified(found.table)})"
    alias = f" AS {identifier(plan.alias)}" if plan.alias else ""
    junction = ""
    if found is not None and not isinstance(found, ComputedRelationship) and found.junction is not None:
        junction = f", {qualified(found.junction.table)}"
    return (f" FROM {source}{alias}{junction}",)


def _embed_columns(embed: EmbedSelect | SpreadSelect) -> list[Snippet]:
    alias = identifier(embed.aggregate_alias)
    if isinstance(embed, SpreadSelect):
        return [fields.spread_column(embed.aggregate_alias, column) for column in embed.columns]
    if embed.is_empty:
        return []
    if embed.is_object:
        return [(f"row_to_json({alias}.*)::jsonb AS {identifier(embed.name)}",)]
    return [(f"COALESCE({alias}.{alias}, '[]') AS {identifier(embed.name)}",)]


def _spread_extras(plan: ReadPlan, relation: Name) -> list[Snippet]:
    """The columns that a to-many spread is ordered by."""
    if plan.spread is None:
        return []
    return [
        fields.selected(relation if embed is None else Name("", embed), column) for embed, column in plan.spread.extra
    ]


def _joins(plan: ReadPlan) -> Snippet:
    children = {child.aggregate_alias: child for child in plan.children}
    parts: list[Snippet] = [_join(embed, children[embed.aggregate_alias]) for embed in plan.embeds]
    return join("", parts)


def _join(embed: EmbedSelect | SpreadSelect, child: ReadPlan) -> Snippet:
    alias = identifier(embed.aggregate_alias)
    kind = "INNER" if child.inner else "LEFT"
    rows = select(child)
    to_many_spread = child.spread is not None and child.spread.to_many
    if (isinstance(embed, EmbedSelect) and embed.is_object) or (isinstance(embed, SpreadSelect) and not to_many_spread):
        return (f" {kind} JOIN LATERAL (", *rows, f") AS {alias} ON TRUE")
    columns: list[Snippet] = [(f"json_agg({alias})::jsonb AS {alias}",)]
    if isinstance(embed, SpreadSelect):
        columns += [_aggregated_column(embed.aggregate_alias, child, column) for column in embed.columns]
    condition = f"{alias} IS NOT NULL" if child.inner else "TRUE"
    return (
        f" {kind} JOIN LATERAL (SELECT ", *join(", ", columns), " FROM (", *rows, f") AS {alias}) AS {alias} ON ",
        condition,
    )  # fmt: skip


def _aggregated_column(alias: str, child: ReadPlan, column: SpreadColumn) -> Snippet:
    keys = child.spread.order if child.spread is not None else []
    value = fields.embedded_column(alias, column.name)
    shown = identifier(column.name if column.alias is None else column.alias)
    order = fields.order_by(Name("", alias), keys)
    return (f"COALESCE(json_agg({value}", *order, f"), '[]')::jsonb AS {shown}")


def _group_by(plan: ReadPlan, relation: Name) -> Snippet:
    spread = [column for embed in plan.embeds if isinstance(embed, SpreadSelect) for column in embed.columns]
    if not any(item.aggregate for item in plan.select) and not any(item.aggregate for item in spread):
        return ()
    terms = [fields.grouped(relation, item) for item in plan.select if not item.aggregate]
    for embed in plan.embeds:
        if isinstance(embed, EmbedSelect):
            terms.append((identifier(embed.name),))
        else:
            terms += [(embedded_name(embed.aggregate_alias, item),) for item in embed.columns if not item.aggregate]
    return (" GROUP BY ", *join(", ", terms)) if terms else ()


def embedded_name(alias: str, item: SpreadColumn) -> str:
    """A spread column in GROUP BY."""
    return f"{identifier(alias)}.{identifier(item.name if item.alias is None else item.alias)}"


def _count_condition(plan: ReadPlan, relation: Name, item: AnyCondition) -> Snippet:
    if isinstance(item, ConditionTree):
        terms = join(f" {item.word.upper()} ", (_count_condition(plan, relation, term) for term in item.terms))
        return ("NOT (" if item.negated else "(", *terms, ")")
    if isinstance(item, EmbedCondition):
        child = next(node for node in plan.children if node.aggregate_alias == item.aggregate_alias)
        return ("EXISTS (" if item.wants_rows else "NOT EXISTS (", *count(child), ")")
    return fields.condition(relation, item)
