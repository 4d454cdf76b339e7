"""The builder's generated types.ts: its picture of the live database, without SQL types, defaults, keys and rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from freehold.data.schema import typescript
from freehold.data.schema.typescript import Array, Group, Intersection, Literal, Name, Object, Type, Union

_META = frozenset({"__InternalSupabase", "graphql_public"})


@dataclass(frozen=True, kw_only=True)
class Column:
    """`type` is written as in the file without `| null`: string, number, boolean, Json, enum public.role, string[].

    `defaulted` says that an insert may leave it out although it is not nullable; `generated` that none may give it.
    """

    name: str
    type: str
    nullable: bool
    defaulted: bool = False
    generated: bool = False


@dataclass(frozen=True, kw_only=True)
class Relationship:
    """A foreign key to another table or view of the same schema."""

    name: str
    columns: tuple[str, ...]
    referenced: str
    referenced_columns: tuple[str, ...]
    one_to_one: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table or a view."""

    name: str
    columns: tuple[Column, ...]
    relationships: tuple[Relationship, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Function:
    """One overload. `arguments` maps names to types; `optional` are those with a default."""

    name: str
    arguments: dict[str, str]
    optional: frozenset[str]
    returns: str


@dataclass(frozen=True, kw_only=True)
class Schema:
    """One schema of the file; every mapping is in the file's order."""

    name: str
    tables: dict[str, Table]
    views: dict[str, Table]
    functions: dict[str, tuple[Function, ...]]
    enums: dict[str, tuple[str, ...]]
    composites: dict[str, tuple[Column, ...]]


@dataclass(frozen=True, kw_only=True)
class Types:
    """The whole file. `postgrest_version` is "" in files of before 2025."""

    schemas: dict[str, Schema]
    postgrest_version: str = ""


def read(text: str) -> Types:
    """Read a types.ts; one that declares no Database has no schemas. Raises BadUsage when it cannot be read."""
    database = typescript.declared(text, "Database")
    if not isinstance(database, Object):
        return Types(schemas={})
    constants = typescript.declared(text, "Constants")
    labels = constants if isinstance(constants, Object) else Object()
    version = database.inside("__InternalSupabase").members.get("PostgrestVersion")
    return Types(
        schemas={
            name: _schema(name, value, labels.inside(name, "Enums"))
            for name, value in database.members.items()
            if name not in _META and isinstance(value, Object)
        },
        postgrest_version=version.text if isinstance(version, Literal) else "",
    )


def _schema(name: str, value: Object, labels: Object) -> Schema:
    return Schema(
        name=name,
        tables={key: _table(key, item) for key, item in _objects(value.inside("Tables"))},
        views={key: _table(key, item) for key, item in _objects(value.inside("Views"))},
        functions={key: tuple(_overloads(key, item)) for key, item in value.inside("Functions").members.items()},
        enums=_enums(value.inside("Enums"), labels),
        composites={key: _columns(item, Object()) for key, item in _objects(value.inside("CompositeTypes"))},
    )


def _objects(value: Object) -> Iterator[tuple[str, Object]]:
    for name, item in value.members.items():
        if isinstance(item, Object):
            yield name, item


def _table(name: str, value: Object) -> Table:
    relationships = value.members.get("Relationships")
    return Table(
        name=name,
        columns=_columns(value.inside("Row"), value.inside("Insert")),
        relationships=tuple(
            _relationship(item)
            for item in (relationships.items if isinstance(relationships, Group) else ())
            if isinstance(item, Object)
        ),
    )


def _columns(row: Object, insert: Object) -> tuple[Column, ...]:
    found = []
    for name, value in row.members.items():
        nullable = _is_nullable(value) or name in row.optional
        given = insert.members.get(name)
        found.append(
            Column(
                name=name,
                type=written(value),
                nullable=nullable,
                defaulted=not nullable and name in insert.optional,
                generated=bool(insert.members) and (given is None or given == Name("never")),
            )
        )
    return tuple(found)


def _relationship(value: Object) -> Relationship:
    one_to_one = value.members.get("isOneToOne")
    return Relationship(
        name=_text(value.members.get("foreignKeyName")),
        columns=_texts(value.members.get("columns")),
        referenced=_text(value.members.get("referencedRelation")),
        referenced_columns=_texts(value.members.get("referencedColumns")),
        one_to_one=one_to_one == Name("true"),
    )


def _overloads(name: str, value: Type) -> Iterator[Function]:
    for option in value.options if isinstance(value, Union) else (value,):
        if not isinstance(option, Object):
            continue
        arguments = option.members.get("Args")
        members = arguments if isinstance(arguments, Object) else Object()
        returns = option.members.get("Returns")
        yield Function(
            name=name,
            arguments={key: written(item) for key, item in members.members.items()},
            optional=members.optional,
            returns=written(returns) if returns is not None else "unknown",
        )


def _enums(value: Object, labels: Object) -> dict[str, tuple[str, ...]]:
    """Read the labels from the Constants, which keep their order for sure, else from the union."""
    found = {}
    for name, item in value.members.items():
        options = item.options if isinstance(item, Union) else (item,)
        listed = _texts(labels.members.get(name))
        found[name] = listed or tuple(option.text for option in options if isinstance(option, Literal))
    return found


def _is_nullable(value: Type) -> bool:
    return isinstance(value, Union) and Name("null") in value.options


def written(value: Type) -> str:  # noqa: PLR0911 - one line a form of type
    """Write a type in one way, without `| null`."""
    match value:
        case Union(options):
            rest = [written(item) for item in options if item != Name("null")]
            return " | ".join(rest)
        case Array(of):
            inner = written(of)
            return f"({inner})[]" if " " in inner and not inner.startswith("enum ") else f"{inner}[]"
        case Literal(text):
            return f'"{text}"'
        case Name(text, indexes):
            return _named(text, indexes)
        case Intersection(parts):
            return " & ".join(written(item) for item in parts)
        case Group(items):
            return "[" + ", ".join(written(item) for item in items) + "]"
        case Object(members):
            return "{ " + "; ".join(f"{name}: {written(item)}" for name, item in members.items()) + " }"


_KINDS: Mapping[str, str] = {"Enums": "enum", "CompositeTypes": "composite", "Tables": "row", "Views": "row"}


def _named(text: str, indexes: tuple[str, ...]) -> str:
    kind = _KINDS.get(indexes[1]) if len(indexes) > len(("schema",)) else None
    if kind is not None:
        return f"{kind} {indexes[0]}.{indexes[2]}" if len(indexes) > len(("schema", "kind")) else text
    return text


def _text(value: Type | None) -> str:
    return value.text if isinstance(value, Literal) else ""


def _texts(value: Type | None) -> tuple[str, ...]:
    return tuple(item.text for item in value.items if isinstance(item, Literal)) if isinstance(value, Group) else ()
