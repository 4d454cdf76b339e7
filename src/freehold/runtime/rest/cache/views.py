"""Which views carry a primary or foreign key of a table below them, through any number of views."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from freehold.runtime.rest.cache import viewtree
from freehold.runtime.rest.cache.model import Name

PRIMARY, FOREIGN, REFERENCED = "p", "f", "f_ref"

Origin = tuple[int, int]
"""(relation oid, column number)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDependency:
    """A view that shows every column of a key. Each table column may be shown under several names."""

    table: Name
    view: Name
    constraint: str
    kind: str
    columns: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view's columns by number and where each of them comes from."""

    oid: int
    name: Name
    exposed: bool
    columns: dict[int, str]
    origins: dict[int, Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Columns of a table that a primary or foreign key is made of, or that a foreign key points at."""

    constraint: str
    kind: str
    table: int
    columns: tuple[int, ...]


def read_view(row: dict[str, Any], tree: str) -> View:
    """Make a view of a row of views.sql."""
    return View(
        oid=row["oid"],
        name=Name(row["schema"], row["name"]),
        exposed=row["exposed"],
        columns={int(number): name for number, name in (row["columns"] or {}).items()},
        origins={column: (relation, number) for column, relation, number in viewtree.origins(tree)},
    )


def read_keys(rows: Iterable[dict[str, Any]]) -> list[Key]:
    """Make keys of the rows of keys.sql; a foreign key counts on both of its sides."""
    keys = []
    for row in rows:
        own = tuple(row["columns"])
        keys.append(Key(constraint=row["name"], kind=row["kind"], table=row["table"], columns=own))
        if row["kind"] == FOREIGN:
            other = tuple(row["foreign_columns"])
            keys.append(Key(constraint=row["name"], kind=REFERENCED, table=row["foreign"], columns=other))
    return keys


def dependencies(views: Sequence[View], keys: Sequence[Key], relations: dict[int, Any]) -> list[KeyDependency]:
    """Find the keys that views in exposed schemas show completely. `relations` are rows of relations.sql by oid."""
    by_oid = {view.oid: view for view in views}
    keys_of: dict[int, list[Key]] = {}
    for key in keys:
        keys_of.setdefault(key.table, []).append(key)
    found = []
    for view in views:
        if view.exposed:
            shown = _shown(view, by_oid)
            tables = dict.fromkeys(relation for relation, _ in shown)
            candidates = (key for table in tables for key in keys_of.get(table, ()))
            found += [
                _dependency(view, key, shown, relations[key.table])
                for key in candidates
                if all((key.table, column) in shown for column in key.columns)
            ]
    return found


def _dependency(view: View, key: Key, shown: dict[Origin, list[str]], relation: dict[str, Any]) -> KeyDependency:
    names = relation["columns"]
    return KeyDependency(
        table=Name(relation["schema"], relation["name"]),
        view=view.name,
        constraint=key.constraint,
        kind=key.kind,
        columns=tuple((names[str(column)], tuple(shown[key.table, column])) for column in key.columns),
    )


def _shown(view: View, by_oid: dict[int, View]) -> dict[Origin, list[str]]:
    """Give the names under which a view shows a column of a relation, at any depth below it."""
    shown: dict[Origin, list[str]] = {}
    for column, first in sorted(view.origins.items()):
        origin: Origin | None = first
        seen: set[int] = {view.oid}
        while origin is not None:
            relation, number = origin
            shown.setdefault(origin, []).append(view.columns.get(column, ""))
            below = by_oid.get(relation)
            origin = below.origins.get(number) if below is not None and relation not in seen else None
            seen.add(relation)
    return shown
