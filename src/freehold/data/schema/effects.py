"""What a statement brings into being and what it settles, read from its parse tree."""

import re
from collections.abc import Callable
from typing import Any

from freehold.data.migrations.statements import Statement

Identity = tuple[str, ...]
_WORD = re.compile(r"\w+")
_OPEN_ENDED = frozenset({"do", "select", "call"})


def provides(statement: Statement) -> frozenset[str]:
    """Bare names in lower case that statements which failed before may have waited for."""
    if statement.kind in _OPEN_ENDED:
        return frozenset(word.lower() for word in _WORD.findall(statement.text))
    rule = _PROVIDES.get(statement.kind)
    return frozenset(name.lower() for name in rule(statement.node) if name) if rule else frozenset()


def settles(statement: Statement) -> tuple[Identity, ...]:  # noqa: PLR0911 - one line a kind of statement
    """What is created, replaced or dropped here: an older statement about the same thing must not run after this."""
    node = statement.node
    match statement.kind:
        case "create_policy" | "alter_policy":
            return (("policy", node.table.relname, node.policy_name),)
        case "create_trig":
            return (("trigger", node.relation.relname, node.trigname),)
        case "create":
            return (("relation", node.relation.relname),)
        case "view":
            return (("relation", node.view.relname),)
        case "create_table_as":
            return (("relation", node.into.rel.relname),)
        case "index":
            return (("relation", node.idxname),) if node.idxname else ()
        case "create_function":
            return (("function", _last(node.funcname), _parameters(node)),)
        case "create_enum":
            return (("type", _last(node.type_name)),)
        case "drop":
            return tuple(_dropped(item) for item in node.objects)
        case _:
            return ()


def _dropped(item: Any) -> Identity:  # noqa: ANN401 - postgast carries no types
    """Give the identity as the creating statement has it; functions count by name alone."""
    kind = item.WhichOneof("node")
    if kind == "object_with_args":
        return ("function", _last(item.object_with_args.objname))
    if kind == "type_name":
        return ("type", _last(item.type_name.names))
    names = [part.string.sval for part in item.list.items] if kind == "list" else []
    return ("dropped", *names)


def is_settled_by(identity: Identity, later: Identity) -> bool:
    """Say whether `later`, which ran, is about the same thing as `identity`."""
    if later[0] == "dropped":
        names = later[1:]
        if identity[0] in {"policy", "trigger"}:
            return identity[1:] == names[-2:]
        return identity[0] == "relation" and identity[1:] == names[-1:]
    return identity == later or (identity[0] == "function" == later[0] and identity[:2] == later)


def _parameters(node: Any) -> str:  # noqa: ANN401
    types = (item.function_parameter.arg_type for item in node.parameters)
    return ",".join(_last(item.names) + "[]" * len(item.array_bounds) for item in types)


def _last(names: Any) -> str:  # noqa: ANN401
    return str(names[-1].string.sval) if names else ""


def _table(node: Any) -> list[str]:  # noqa: ANN401
    return [node.relation.relname, *(item.column_def.colname for item in node.table_elts)]


def _altered(node: Any) -> list[str]:  # noqa: ANN401
    commands = [item.alter_table_cmd for item in node.cmds]
    columns = [getattr(item, "def").column_def.colname for item in commands]
    constraints = [getattr(item, "def").constraint.conname for item in commands]
    return [*columns, *constraints]


_PROVIDES: dict[str, Callable[[Any], list[str]]] = {
    "create": _table,
    "create_table_as": lambda node: [node.into.rel.relname],
    "view": lambda node: [node.view.relname],
    "alter_table": _altered,
    "rename": lambda node: [node.newname],
    "create_function": lambda node: [_last(node.funcname)],
    "create_enum": lambda node: [_last(node.type_name)],
    "alter_enum": lambda node: [node.new_val, _last(node.type_name)],
    "composite_type": lambda node: [node.typevar.relname],
    "create_domain": lambda node: [_last(node.domainname)],
    "create_schema": lambda node: [node.schemaname],
    "create_seq": lambda node: [node.sequence.relname],
    "create_extension": lambda node: [node.extname],
    "index": lambda node: [node.idxname],
    "create_policy": lambda node: [node.policy_name],
    "create_trig": lambda node: [node.trigname],
    "alter_object_schema": lambda node: [node.relation.relname],
}
