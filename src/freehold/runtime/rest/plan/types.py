"""Plans as data. A read plan is a tree: the root relation, and a node for every embed."""

from dataclasses import dataclass, field
from typing import NamedTuple

from freehold.runtime.rest.cache.model import AnyRelationship, Name, Parameter, Routine
from freehold.runtime.rest.query.types import Field, JsonStep, Operation, Value
from freehold.runtime.rest.ranges import ALL, Range

SOURCE = Name("", "pgrst_source")
"""The CTE that holds the rows of a mutation or a call."""


class PlannedField(NamedTuple):
    """A column with what is known of its type and how it has to be converted."""

    name: str
    path: tuple[JsonStep, ...] = ()
    to_json: bool = False
    """Whether `to_jsonb` is needed before the path can be followed."""
    search_language: str | None = None
    """Set when the column has to become a tsvector; "" for the default language."""
    type: str = ""
    base_type: str = ""
    transform: str = ""
    """A function that reads or shows the value, from a data representation."""
    default: str | None = None
    whole_row: bool = False


class SelectColumn(NamedTuple):
    """One selected column."""

    field: PlannedField
    aggregate: str = ""
    aggregate_cast: str = ""
    cast: str = ""
    alias: str | None = None


class Condition(NamedTuple):
    """One filter."""

    field: PlannedField
    operation: Operation


class EmbedCondition(NamedTuple):
    """A filter on whether an embed has rows: `rel=is.null` and `rel=not.is.null`."""

    aggregate_alias: str
    wants_rows: bool


class ConditionTree(NamedTuple):
    """Conditions under one AND or OR."""

    negated: bool
    word: str
    terms: "tuple[AnyCondition, ...]"


AnyCondition = Condition | EmbedCondition | ConditionTree


class OrderKey(NamedTuple):
    """One key to order by; `relation` is the alias of a to-one embed, if it belongs to one."""

    field: PlannedField
    direction: str = ""
    nulls: str = ""
    relation: str | None = None


class JoinCondition(NamedTuple):
    """Equality of two columns."""

    left: tuple[Name, str]
    right: tuple[Name, str]


class SpreadColumn(NamedTuple):
    """A column of a spread embed as its parent selects it."""

    name: str
    aggregate: str = ""
    aggregate_cast: str = ""
    alias: str | None = None


class EmbedSelect(NamedTuple):
    """An embed that becomes a JSON object or array."""

    name: str
    aggregate_alias: str
    is_object: bool
    is_empty: bool
    """Nothing is selected in it or below: it only joins."""


class SpreadSelect(NamedTuple):
    """An embed whose columns become the parent's."""

    columns: tuple[SpreadColumn, ...]
    aggregate_alias: str


@dataclass(slots=True)
class Spread:
    """How an embed is spread; a to-many spread orders what it aggregates."""

    to_many: bool = False
    extra: list[tuple[str | None, SelectColumn]] = field(default_factory=list)
    order: list[OrderKey] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ReadPlan:
    """One node of the tree, under construction until `plan.read` hands it out."""

    relation: Name
    name: str
    depth: int
    alias: str | None = None
    select: list[SelectColumn] = field(default_factory=list)
    where: list[AnyCondition] = field(default_factory=list)
    order: list[OrderKey] = field(default_factory=list)
    rows: Range = ALL
    relationship: AnyRelationship | None = None
    argument_alias: Name | None = None
    """For a computed relationship: what its function is called with."""
    join_conditions: list[JoinCondition] = field(default_factory=list)
    embed_alias: str | None = None
    aggregate_alias: str = ""
    hint: str | None = None
    inner: bool = False
    spread: Spread | None = None
    embeds: list[EmbedSelect | SpreadSelect] = field(default_factory=list)
    children: "list[ReadPlan]" = field(default_factory=list)

    @property
    def shown_name(self) -> str:
        """The embed's key in the answer."""
        return self.name if self.embed_alias is None else self.embed_alias

    @property
    def has_default_select(self) -> bool:
        """Whether the whole row is selected and nothing else."""
        return not self.children and len(self.select) == 1 and self.select[0].field.name == "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertPlan:
    """POST and PUT on a relation."""

    target: Name
    columns: tuple[PlannedField, ...]
    returning: tuple[str, ...]
    primary_key: tuple[str, ...]
    resolution: str = ""
    """merge-duplicates, ignore-duplicates or "" for a plain insert."""
    conflict_columns: tuple[str, ...] = ()
    put_conditions: tuple[AnyCondition, ...] = ()
    apply_defaults: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan:
    """PATCH on a relation."""

    target: Name
    columns: tuple[PlannedField, ...]
    where: tuple[AnyCondition, ...]
    returning: tuple[str, ...]
    apply_defaults: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePlan:
    """DELETE on a relation."""

    target: Name
    where: tuple[AnyCondition, ...]
    returning: tuple[str, ...]


MutatePlan = InsertPlan | UpdatePlan | DeletePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """A call of a function. Without `arguments`, they are in the body as a JSON object."""

    routine: Routine
    parameters: tuple[Parameter, ...]
    is_positional: bool
    """One unnamed parameter gets the whole body."""
    arguments: tuple[tuple[str, Value], ...] | None
    filter_names: frozenset[str]
    returning: frozenset[str]


def unknown_field(source: Field) -> PlannedField:
    """A field of which nothing is known."""
    return PlannedField(source.name, source.path)
