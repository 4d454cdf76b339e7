"""Columns, conditions, order and limits as SQL."""

from collections.abc import Iterable, Sequence

from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.plan.types import (
    AnyCondition,
    Condition,
    ConditionTree,
    EmbedCondition,
    JoinCondition,
    OrderKey,
    PlannedField,
    SelectColumn,
    SpreadColumn,
)
from freehold.runtime.rest.query import params
from freehold.runtime.rest.query.types import NO_SLOT, JsonStep, Value
from freehold.runtime.rest.ranges import Range
from freehold.runtime.rest.sql.snippet import Parameter, Snippet, column, identifier, join, text_parameter

OPERATORS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike",
    "match": "~", "imatch": "~*", "cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<",
    "nxl": "&>", "adj": "-|-",
}  # fmt: skip
SEARCHES = {
    "fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery",
}  # fmt: skip
IS_WORDS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}


def selected(relation: Name, item: SelectColumn) -> Snippet:
    """One column of a select list."""
    value = field(relation, item.field)
    if item.field.transform:
        value = (f"{item.field.transform}(", *value, ")")
    return (*aggregated(item.aggregate, item.aggregate_cast, _cast(item.cast, value)), *_named(item.alias))


def spread_column(alias: str, item: SpreadColumn) -> Snippet:
    """One column of a spread embed in its parent's select list."""
    value = (embedded_column(alias, item.name),)
    return (*aggregated(item.aggregate, item.aggregate_cast, value), *_named(item.alias))


def embedded_column(alias: str, name: str) -> str:
    """A column of a joined embed."""
    return identifier(alias) + "." + ("*" if name == "*" else identifier(name))


def aggregated(function: str, cast: str, value: Snippet) -> Snippet:
    """Apply an aggregate, if there is one."""
    return _cast(cast, (f"{function.upper()}(", *value, ")")) if function else value


def field(relation: Name, item: PlannedField) -> Snippet:
    """A column, with its JSON path and as a tsvector where wanted."""
    value: Snippet
    if item.whole_row:
        value = (identifier(relation.name),)
    elif not item.path:
        value = (column(relation, item.name),)
    else:
        plain = column(relation, item.name)
        value = (f"to_jsonb({plain})" if item.to_json else plain, *_json_path(item.path))
    if item.search_language is None:
        return value
    return ("to_tsvector(", *_language(item.search_language), *value, ")")


def condition(relation: Name, item: AnyCondition) -> Snippet:
    """A filter or a tree of filters."""
    if isinstance(item, ConditionTree):
        terms = join(f" {item.word.upper()} ", (condition(relation, term) for term in item.terms))
        return ("NOT (" if item.negated else "(", *terms, ")")
    if isinstance(item, EmbedCondition):
        return (f"{identifier(item.aggregate_alias)} IS {'' if item.wants_rows else 'NOT '}DISTINCT FROM NULL",)
    return ("NOT " if item.operation.negated else "", *field(relation, item.field), " ", *_comparison(item))


def joined(item: JoinCondition) -> Snippet:
    """Equality of two columns."""
    return (f"{column(*item.left)} = {column(*item.right)}",)


def where(conditions: Sequence[Snippet]) -> Snippet:
    """A WHERE clause, or nothing."""
    return (" WHERE ", *join(" AND ", conditions)) if conditions else ()


def order_by(relation: Name, keys: Iterable[OrderKey]) -> Snippet:
    """An ORDER BY clause, or nothing."""
    terms = [_order_term(relation, key) for key in keys]
    return (" ORDER BY ", *join(", ", terms)) if terms else ()


def limit_offset(rows: Range) -> Snippet:
    """LIMIT and OFFSET, or nothing for all rows.

    The limit is a constant: as a parameter it would look to a generic plan like a tenth of all rows, which costs so
    much more than a limit of 1 or 20 that PostgreSQL would plan every request anew. Offsets vary too much for that.
    """
    limit = () if rows.limit is None else (f" LIMIT {rows.limit}",)
    return (*limit, *((" OFFSET ", *text_parameter(str(rows.lower))) if rows.lower else ()))


def grouped(relation: Name, item: SelectColumn) -> Snippet:
    """A column in GROUP BY."""
    return (identifier(item.alias),) if item.alias is not None else field(relation, item.field)


def _comparison(item: Condition) -> Snippet:
    operation, transform = item.operation, item.field.transform
    word, value = operation.operator, operation.value
    if word == "is":
        return (f"IS {IS_WORDS[value.text]}",)
    if word == "isdistinct":
        return ("IS DISTINCT FROM ", Parameter((value,)))
    if word == "in":
        return ("= ANY (", *_array(value, transform), ")")
    if word in SEARCHES:
        return (f"@@ {SEARCHES[word]}(", *_language(operation.language), Parameter((value,)), ")")
    return (OPERATORS[word], " ", *_operand(item))


def _operand(item: Condition) -> Snippet:
    operation, transform = item.operation, item.field.transform
    operand: Snippet = (Parameter((operation.value,)),)
    if operation.operator in ("like", "ilike"):
        operand = (Parameter((operation.value,), _stars),)
    elif transform:
        operand = (f"{transform}(", *operand, ")")
    return (f"{operation.quantifier.upper()}(", *operand, ")") if operation.quantifier else operand


def _array(value: Value, transform: str) -> Snippet:
    # A liftable list is kept as written in the URL; one inside a logic tree was made a literal by the grammar.
    parameter = Parameter((value,), None if value.slot == NO_SLOT else _array_literal)
    return (f"SELECT {transform}(unnest(", parameter, "::text[]))") if transform else (parameter,)


def _stars(values: Sequence[str]) -> str:
    return values[0].replace("*", "%")


def _array_literal(values: Sequence[str]) -> str:
    return params.list_text(values[0])


def _language(language: str) -> Snippet:
    return (*text_parameter(language), ", ") if language else ()


def _json_path(path: Iterable[JsonStep]) -> Snippet:
    steps: list[str | Parameter] = []
    for step in path:
        steps.append("->>" if step.as_text else "->")
        steps.extend(text_parameter(step.key))
        if step.is_index:
            steps.append("::int")
    return tuple(steps)


def _order_term(relation: Name, key: OrderKey) -> Snippet:
    source = relation if key.relation is None else Name("", key.relation)
    return (*field(source, key.field), *(f" {word}" for word in (key.direction, key.nulls) if word))


def _cast(cast: str, value: Snippet) -> Snippet:
    # The grammar lets only letters, digits, "_", "$" and spaces through: quoting would break names such as bigint.
    return ("CAST(", *value, f" AS {cast})") if cast else value


def _named(alias: str | None) -> Snippet:
    return () if alias is None else (f" AS {identifier(alias)}",)
