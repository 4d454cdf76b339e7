"""From foreign keys to every relationship an embed can name: inverse, many-to-many, of views, and hand-written."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from freehold.runtime.rest.cache.model import (
    MANY_TO_MANY,
    MANY_TO_ONE,
    ONE_TO_MANY,
    ONE_TO_ONE,
    AnyRelationship,
    ComputedRelationship,
    Junction,
    Name,
    Pairs,
    Relationship,
    Table,
)
from freehold.runtime.rest.cache.views import FOREIGN, PRIMARY, REFERENCED, KeyDependency

Map = dict[tuple[Name, str], tuple[AnyRelationship, ...]]


def derive(
    tables: dict[Name, Table],
    keys: Sequence[Relationship],
    dependencies: Sequence[KeyDependency],
    computed: Iterable[ComputedRelationship],
) -> Map:
    """Give all relationships by origin and foreign schema. `keys` are the foreign keys as many-to-one or one-to-one."""
    direct = [*keys, *_of_views(keys, dependencies)]
    everything = [*direct, *_many_to_many(tables, direct)]
    everything += [_inverse(item) for item in everything if item.kind in (MANY_TO_ONE, ONE_TO_ONE)]
    return _index(everything, computed)


def with_view_keys(tables: dict[Name, Table], dependencies: Iterable[KeyDependency]) -> dict[Name, Table]:
    """Give views the primary keys of the tables they show."""
    keys: dict[Name, list[str]] = {}
    for item in dependencies:
        if item.kind == PRIMARY:
            keys.setdefault(item.view, []).extend(names[0] for _, names in item.columns)
    return {name: replace(table, primary_key=tuple(keys[name])) if name in keys else table
            for name, table in tables.items()}  # fmt: skip


def only_exposed(relationships: Map, schemas: Sequence[str]) -> Map:
    """Leave out what touches a schema that is not exposed."""

    def is_exposed(item: AnyRelationship) -> bool:
        junction = None if isinstance(item, ComputedRelationship) else item.junction
        return item.foreign.schema in schemas and (junction is None or junction.table.schema in schemas)

    return {key: tuple(filter(is_exposed, items)) for key, items in relationships.items() if key[0].schema in schemas}


def _index(found: Iterable[Relationship], computed: Iterable[ComputedRelationship]) -> Map:
    by_pair: dict[tuple[Name, Name], list[AnyRelationship]] = {}
    for item in found:
        by_pair.setdefault((item.table, item.foreign), []).append(item)
    # A hand-written relationship named like a foreign table replaces what was found between the two.
    for own in computed:
        by_pair[own.table, own.function] = [own]
    merged: dict[tuple[Name, str], list[AnyRelationship]] = {}
    for (table, other), items in by_pair.items():
        merged.setdefault((table, other.schema), []).extend(items)
    return {key: tuple(sorted(items, key=_sort_key)) for key, items in merged.items()}


def _sort_key(item: AnyRelationship) -> tuple[object, ...]:
    if isinstance(item, ComputedRelationship):
        return (1, (item.function, item.table, item.foreign))
    return (0, item.sort_key())


def _inverse(item: Relationship) -> Relationship:
    swapped: Pairs = tuple((foreign, own) for own, foreign in item.columns)
    to_many = item.kind == MANY_TO_ONE
    return Relationship(
        table=item.foreign,
        foreign=item.table,
        is_self=item.is_self,
        kind=ONE_TO_MANY if to_many else ONE_TO_ONE,
        constraint=item.constraint,
        columns=swapped,
        is_parent=not to_many and not item.is_parent,
        table_is_view=item.foreign_is_view,
        foreign_is_view=item.table_is_view,
    )


def _many_to_many(tables: dict[Name, Table], direct: Iterable[Relationship]) -> list[Relationship]:
    """Two foreign keys within the primary key of one table connect the tables they point at."""
    by_table: dict[Name, list[Relationship]] = {}
    for item in direct:
        if item.kind == MANY_TO_ONE:
            by_table.setdefault(item.table, []).append(item)
    found = []
    for name, items in by_table.items():
        table = tables.get(name)
        primary = set(table.primary_key) if table else set()
        inside = [item for item in items if primary.issuperset(own for own, _ in item.columns)]
        for one, other in itertools.permutations(inside, 2):
            if one.constraint != other.constraint:
                found.append(_through(name, one, other))
    return found


def _through(table: Name, one: Relationship, other: Relationship) -> Relationship:
    junction = Junction(
        table=table,
        constraint_1=one.constraint,
        constraint_2=other.constraint,
        source_columns=tuple((foreign, own) for own, foreign in one.columns),
        target_columns=tuple((foreign, own) for own, foreign in other.columns),
    )
    return Relationship(
        table=one.foreign,
        foreign=other.foreign,
        is_self=one.foreign == other.foreign,
        kind=MANY_TO_MANY,
        junction=junction,
        table_is_view=one.foreign_is_view,
        foreign_is_view=other.foreign_is_view,
    )


def _of_views(keys: Iterable[Relationship], dependencies: Iterable[KeyDependency]) -> list[Relationship]:
    """Repeat each foreign key for the views that show its columns: on the one side, on the other, and on both."""
    by_key: dict[tuple[Name, str, str], list[KeyDependency]] = {}
    for item in dependencies:
        by_key.setdefault((item.table, item.constraint, item.kind), []).append(item)
    found = []
    for key in keys:
        own = [(item.view, names) for item in by_key.get((key.table, key.constraint, FOREIGN), ())
               for names in _choices(item)]  # fmt: skip
        other = [(item.view, names) for item in by_key.get((key.foreign, key.constraint, REFERENCED), ())
                 for names in _choices(item)]  # fmt: skip
        own_names = tuple(name for name, _ in key.columns)
        other_names = tuple(name for _, name in key.columns)
        for view, names in own:
            found.append(_of_view(key, view, names, key.foreign, other_names))
        for view, names in other:
            found.append(_of_view(key, key.table, own_names, view, names))
        for (view, names), (other_view, others) in itertools.product(own, other):
            found.append(_of_view(key, view, names, other_view, others))
    return found


def _choices(item: KeyDependency) -> Iterable[tuple[str, ...]]:
    return itertools.product(*(names for _, names in item.columns))


def _of_view(
    key: Relationship, table: Name, own: tuple[str, ...], foreign: Name, other: tuple[str, ...]
) -> Relationship:
    return Relationship(
        table=table,
        foreign=foreign,
        is_self=table == foreign,
        kind=key.kind,
        constraint=key.constraint,
        columns=tuple(zip(own, other, strict=True)),
        table_is_view=table != key.table,
        foreign_is_view=foreign != key.foreign,
    )
