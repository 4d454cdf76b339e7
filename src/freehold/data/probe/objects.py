"""What the probe knows of a database before it acts: relations, functions and buckets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

USERS = "auth.users"
_WRITES = re.compile(
    r"\b(insert\s+into|update\s+[\w.\"]+\s+(?:as\s+\w+\s+)?set|delete\s+from|truncate|perform|pgmq\.|net\.|cron\.|vault\.)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """`base` is the type behind a domain; `labels` are an enum's; `length` is a varchar's limit, 0 for none."""

    name: str
    type: str
    written: str
    base: str
    array: bool
    required: bool
    default: bool
    generated: bool
    labels: tuple[str, ...] = ()
    length: int = 0


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key; `target` is the oid and `target_name` the name as schema.table."""

    columns: tuple[str, ...]
    target: int
    target_name: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check constraint, or the bounds of a partition."""

    name: str
    definition: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`command` is r, a, w, d or * as in pg_policy."""

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str
    check: str


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table, view or materialized view (`kind` r, p, v, m). `parent` is a partition's partitioned table, else 0."""

    oid: int
    schema: str
    name: str
    kind: str
    secured: bool
    owner: str
    invoker: bool
    updatable: int
    parent: int
    columns: tuple[Column, ...]
    keys: tuple[tuple[bool, frozenset[str]], ...]
    """Unique keys: whether it is the primary one, and its columns."""
    references: tuple[Reference, ...]
    checks: tuple[Check, ...]
    policies: tuple[Policy, ...]
    bases: tuple[int, ...]
    readable: Mapping[str, tuple[str, ...]]
    writable: Mapping[str, tuple[str, ...]]

    @property
    def full_name(self) -> str:
        """Schema and name, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> frozenset[str]:
        """The primary key's columns."""
        return next((columns for primary, columns in self.keys if primary), frozenset())

    def column(self, name: str) -> Column | None:
        """Find a column."""
        return next((item for item in self.columns if item.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function that is not a trigger's. `callers` are anon and authenticated as far as they may call it."""

    oid: int
    schema: str
    name: str
    definer: bool
    source: str
    result: str
    volatile: bool
    identity: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    callers: tuple[str, ...]
    ruled_by: bool = False
    """Whether a policy or a view asks it, so that the right to call it cannot be taken away."""

    @property
    def writes(self) -> bool:
        """Whether its own text changes rows, or reaches what does."""
        return bool(_WRITES.search(self.source))

    @property
    def full_name(self) -> str:
        """Schema, name and arguments, for people."""
        return f"{self.schema}.{self.name}({self.identity})"


@dataclass(frozen=True, kw_only=True)
class Objects:
    """`user_columns` says for each relation's oid which of its columns hold a user's id."""

    relations: dict[int, Relation]
    functions: tuple[Function, ...]
    buckets: dict[str, bool]
    """Bucket ids and whether they are public."""
    storage_rules: str
    user_columns: dict[int, tuple[str, ...]]
    owned: frozenset[int]
    """Tables whose rows belong to a user, by a column of their own or through what they refer to."""
    queues: tuple[str, ...] = ()
    """Message queues (pgmq)."""
    triggered: frozenset[int] = frozenset()
    """Tables with triggers of the app's own that run when a row is added."""
