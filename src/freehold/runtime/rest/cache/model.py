"""The schema cache as data."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Name(NamedTuple):
    """A qualified name; a schema of "" leaves the name bare in SQL."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. Types are written as PostgreSQL writes them with an empty search path."""

    name: str
    description: str | None
    nullable: bool
    type: str
    """The base type in case of a domain over a built-in type."""
    nominal_type: str
    max_length: int | None
    default: str | None
    """An SQL expression."""
    enum: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, view, materialised view or foreign table."""

    schema: str
    name: str
    description: str | None
    is_view: bool
    insertable: bool
    updatable: bool
    deletable: bool
    primary_key: tuple[str, ...]
    columns: dict[str, Column]


Pairs = tuple[tuple[str, str], ...]
"""Columns of the one side, each with its column on the other side."""

ONE_TO_MANY, MANY_TO_ONE, ONE_TO_ONE, MANY_TO_MANY = "one-to-many", "many-to-one", "one-to-one", "many-to-many"
_KIND_ORDER = (ONE_TO_MANY, MANY_TO_ONE, ONE_TO_ONE, MANY_TO_MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """The table between the two sides of a many-to-many relationship."""

    table: Name
    constraint_1: str
    constraint_2: str
    source_columns: Pairs
    """(origin's column, junction's column)"""
    target_columns: Pairs
    """(target's column, junction's column)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How the rows of `table` lead to rows of `foreign`."""

    table: Name
    foreign: Name
    is_self: bool
    kind: str
    constraint: str = ""
    columns: Pairs = ()
    is_parent: bool = False
    """For one-to-one: the foreign key is on the other side."""
    junction: Junction | None = None
    table_is_view: bool = False
    foreign_is_view: bool = False

    @property
    def is_to_one(self) -> bool:
        """Whether at most one row is found."""
        return self.kind in (MANY_TO_ONE, ONE_TO_ONE)

    def sort_key(self) -> tuple[object, ...]:
        """The order in which ambiguous relationships are listed."""
        junction = self.junction
        detail: tuple[object, ...] = (self.constraint, self.columns, self.is_parent)
        if junction is not None:
            detail = (junction.table, junction.constraint_1, junction.constraint_2, junction.source_columns)
        return (
            self.table, self.foreign, self.is_self, _KIND_ORDER.index(self.kind), detail,
            self.table_is_view, self.foreign_is_view,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedRelationship:
    """A function from a row of `table` to rows of `foreign`; embedded by the function's name."""

    function: Name
    table: Name
    foreign: Name
    is_to_one: bool
    is_self: bool


AnyRelationship = Relationship | ComputedRelationship


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An input parameter of a function; `name` is "" when it has none."""

    name: str
    type: str
    unbounded_type: str
    """The type without a length, so that a value is never cut."""
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """One function; overloads are several of the same name."""

    schema: str
    name: str
    description: str | None
    parameters: tuple[Parameter, ...]
    return_type: Name
    returns_set: bool
    returns_composite: bool
    volatility: str
    """immutable, stable or volatile."""
    isolation: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    """The function's own settings that hold for the whole transaction."""

    @property
    def returns_scalar(self) -> bool:
        """One value of no row type."""
        return not self.returns_set and not self.returns_composite

    @property
    def returns_set_of_scalar(self) -> bool:
        """Many values of no row type."""
        return self.returns_set and not self.returns_composite

    @property
    def returns_single_composite(self) -> bool:
        """One row."""
        return not self.returns_set and self.returns_composite

    @property
    def returns_void(self) -> bool:
        """Nothing."""
        return not self.returns_set and self.return_type == Name("pg_catalog", "void")

    @property
    def has_variadic(self) -> bool:
        """Whether the last parameter takes many values."""
        return any(parameter.variadic for parameter in self.parameters)


ANY_ROW = Name("pg_catalog", "anyelement")


class Handler(NamedTuple):
    """A function or aggregate of the database that writes one media type."""

    function: Name
    target: Name
    """The row type it takes, or ANY_ROW."""
    media_type: str
    """What the answer is sent as."""
    is_binary: bool
    """It writes bytea."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCache:
    """Everything read from the catalogue at one moment."""

    tables: dict[Name, Table] = field(default_factory=dict)
    relationships: dict[tuple[Name, str], tuple[AnyRelationship, ...]] = field(default_factory=dict)
    """By origin and schema of the foreign side."""
    routines: dict[Name, tuple[Routine, ...]] = field(default_factory=dict)
    representations: dict[tuple[str, str], str] = field(default_factory=dict)
    """(source type, target type) -> function, for casts between domains and json or text."""
    handlers: dict[tuple[Name, str], Handler] = field(default_factory=dict)
    """By row type (or ANY_ROW) and media type."""
    timezones: frozenset[str] = frozenset()
