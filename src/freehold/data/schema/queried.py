"""Types of tables that nothing but the app's own queries names, in the shape of a types.ts: guesses, and marked so."""

import re
from collections.abc import Iterable, Iterator, Mapping

from freehold.data.schema.guesses import PERSON
from freehold.data.schema.types_ts import Column, Relationship, Schema, Table, Types

_BOOLEAN = re.compile(
    r"^(is|has|can|should|allow|show|enable)_|_(enabled|active|verified|read|completed|seen)$|^(active|read)$"
)
_NUMBER = re.compile(
    r"(^|_)(count|amount|price|total|quantity|qty|score|rating|percent|percentage|progress|views|likes|balance|cents|"
    r"duration|minutes|seconds|hours|days|year|age|rank|level|points|latitude|longitude|lat|lng|size|weight|height|cost|"
    r"fee|position|sort_order|order_index|stock|limit)$"
)
_KEY = re.compile(
    r"^(?!(stripe|paypal|razorpay|paystack|external|google|apple|facebook|firebase|fcm|device|session|transaction|payment|"
    r"reference|provider|ad|admob|unit|subscription|tracking|trace)_)\w+_id$"
)
_JSON = re.compile(r"(^|_)(metadata|settings|config|payload|preferences|options|details|json)$")
Asked = Mapping[str, tuple[Mapping[str, str], Iterable[tuple[str, str]]]]
"""By table: columns with the kind of value seen, and related tables, each with the name of the key as written."""


def with_text_ids(asked: Asked) -> Asked:
    """Say of ids of users that they are text: those of an app whose users are kept elsewhere."""
    return {
        table: ({name: "text" if PERSON.search(name) else kind for name, kind in columns.items()}, related)
        for table, (columns, related) in asked.items()
    }


def types(asked: Asked, there: Mapping[str, Iterable[str]]) -> Types:
    """Make types of what is asked for. `there` are the columns of the tables and views that the database has."""
    every = {name: set(columns) for name, columns in there.items()}
    kinds = {name: dict(columns) for name, (columns, _) in asked.items()}
    links: dict[str, list[Relationship]] = {name: [] for name in asked}
    for name, (_, related) in asked.items():
        for other, key in sorted(related):
            for holder, link in _link(name, other, key, kinds, every):
                if holder not in every or _is_certain(link, key, {*every.get(other, ()), *kinds.get(other, ())}):
                    links[holder].append(link)
    whole = {"id": "", "created_at": ""}
    kinds = {name: columns if name in every else {**whole, **columns} for name, columns in kinds.items()}
    tables = {
        name: Table(
            name=name,
            columns=tuple(_column(column, kind) for column, kind in columns.items()),
            relationships=tuple(links[name]),
        )
        for name, columns in kinds.items()
    }
    public = Schema(name="public", tables=tables, views={}, functions={}, enums={}, composites={})
    return Types(schemas={"public": public})


def _column(name: str, kind: str) -> Column:
    if not kind:
        kind = "boolean" if _BOOLEAN.search(name) else "number" if _NUMBER.search(name) else ""
        kind = kind or ("Json" if _JSON.search(name) else "uuid" if _KEY.search(name) else "string")
    return Column(name=name, type=kind, nullable=name != "id", defaulted=name in {"id", "created_at"})


def _link(
    table: str, other: str, key: str, kinds: dict[str, dict[str, str]], there: Mapping[str, set[str]]
) -> Iterator[tuple[str, Relationship]]:
    """Give the foreign key by which `table` embeds `other`, with the table that holds it; its column is added."""
    known = {*kinds[table], *there.get(table, ())}
    column = _column_of(table, other, key, known)
    if column is None and other in kinds and other not in there:
        held = f"{_single(table)}_id"
        kinds[other].setdefault(held, "")
        yield other, _relationship(other, held, table, "")
        return
    column = column or f"{_single(other)}_id"
    kinds[table].setdefault(column, "")
    yield table, _relationship(table, column, other, key)


def _is_certain(link: Relationship, key: str, columns: set[str]) -> bool:
    """Whether a table that is there may get this key: a wrong one would refuse rows that its app writes.

    The code has to name it, and ids of people may mean the user of a profile and not the profile.
    """
    return bool(key) and not ("user_id" in columns and PERSON.search(link.columns[0]))


def _relationship(table: str, column: str, other: str, key: str) -> Relationship:
    name = key if key.endswith("_fkey") else f"{table}_{column}_fkey"
    return Relationship(name=name, columns=(column,), referenced=other, referenced_columns=("id",))


def _column_of(table: str, other: str, key: str, known: set[str]) -> str | None:
    if key.endswith("_fkey"):
        return key.removeprefix(f"{table}_").removesuffix("_fkey")
    if key:
        return key
    people = ("user_id", "author_id") if other in {"profiles", "users"} else ()
    return next((name for name in (f"{_single(other)}_id", f"{other}_id", *people) if name in known), None)


def _single(name: str) -> str:
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
