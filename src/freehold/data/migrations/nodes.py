"""Names and calls in PostgreSQL's parse tree, as postgast gives it: its nodes carry no types."""

from collections.abc import Iterable, Iterator
from typing import Any

import postgast

Name = tuple[str, ...]
"""Schema and names, after the kind where one is said: ("policy", "public", "todos", "read")."""


def calls(node: Any) -> Iterator[Any]:  # noqa: ANN401
    """Every function call below a node of the parse tree."""
    for descriptor, value in node.ListFields():
        values: Iterable[Any] = value if descriptor.is_repeated else (value,)
        if descriptor.message_type is None:
            continue
        for item in values:
            if descriptor.message_type.name == "FuncCall":
                yield item
            yield from calls(item)


def relation(node: Any) -> Name:  # noqa: ANN401
    """Schema and name of a table."""
    return (node.schemaname or "public", node.relname)


def qualified(names: Any) -> Name:  # noqa: ANN401
    """Schema and name from a list of names."""
    parts = tuple(item.string.sval for item in names)
    return parts if len(parts) > 1 else ("public", *parts)


def dropped(item: Any, kind: str) -> Name:  # noqa: ANN401
    """Names of a dropped object, with its schema."""
    node = item.WhichOneof("node")
    if node == "list" and kind in {"policy", "trigger"}:
        *table, name = item.list.items
        return (*qualified(table), name.string.sval)
    if node == "list":
        return qualified(item.list.items)
    if node == "object_with_args":
        return qualified(item.object_with_args.objname)
    if node == "type_name":
        return qualified(item.type_name.names)
    return ("", item.string.sval) if node == "string" else ("", "")


def granted(item: Any) -> Name:  # noqa: ANN401
    """Schema and name of what rights are given on; empty where it is something else."""
    node = item.WhichOneof("node")
    if node == "range_var":
        return relation(item.range_var)
    if node == "object_with_args":
        return qualified(item.object_with_args.objname)
    return ("", item.string.sval) if node == "string" else ("", "")


def values(enum: str) -> dict[str, int]:
    """The values of one of the parser's enumerations by name."""
    return dict(getattr(postgast.pg_query_pb2, enum).items())
