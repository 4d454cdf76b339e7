"""What a query string says, as data. Names are those of PostgREST's documentation."""

from dataclasses import dataclass, field
from typing import NamedTuple

NO_SLOT = -1


class JsonStep(NamedTuple):
    """One `->` or `->>` of a path."""

    as_text: bool
    is_index: bool
    key: str


class Field(NamedTuple):
    """A column, or a place inside a JSON column."""

    name: str
    path: tuple[JsonStep, ...] = ()


class Value(NamedTuple):
    """A filter's operand. With a slot it is a parameter of the request's shape, and `text` is only its first value."""

    text: str
    slot: int = NO_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectField:
    """`alias:field::cast.aggregate()::aggregate_cast`."""

    field: Field
    aggregate: str = ""
    aggregate_cast: str = ""
    cast: str = ""
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectRelation:
    """`alias:name!hint!inner(items)`, or `...name(items)` when spread."""

    name: str
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False
    items: "tuple[SelectField | SelectRelation, ...]" = ()


SelectItem = SelectField | SelectRelation


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`not.operator(quantifier).value`. `operator` is the URL's word; `language` belongs to full-text search."""

    operator: str
    value: Value
    negated: bool = False
    quantifier: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column."""

    field: Field
    operation: Operation


@dataclass(frozen=True, slots=True)
class Logic:
    """`and(...)` or `or(...)`, perhaps negated."""

    negated: bool
    word: str
    terms: "tuple[Logic | Filter, ...]"


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of an order; `relation` names the to-one embed it belongs to, if any."""

    field: Field
    direction: str = ""
    nulls: str = ""
    relation: str | None = None


EmbedPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryParams:
    """A parsed query string. The order of everything is the URL's."""

    select: tuple[SelectItem, ...]
    filters: tuple[tuple[EmbedPath, Filter], ...] = ()
    logic: tuple[tuple[EmbedPath, Logic | Filter], ...] = ()
    order: tuple[tuple[EmbedPath, tuple[OrderTerm, ...]], ...] = ()
    limits: dict[str, str] = field(default_factory=dict)
    """`limit` and `rel.limit` parameters, as text."""
    offsets: dict[str, str] = field(default_factory=dict)
    """`offset` parameters under the name of the limit they go with."""
    columns: frozenset[str] | None = None
    on_conflict: tuple[str, ...] | None = None
    arguments: tuple[tuple[str, Value], ...] = ()
    """Arguments of a function that is called with GET."""
    filter_names: frozenset[str] = frozenset()
    """The names of all filter parameters, as written."""
