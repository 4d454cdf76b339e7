"""What a migration takes away from releases that are older than it.

A migration that only adds keeps the window open: a table, a nullable or defaulted column, an index, a function, a wider
enum, a policy that permits. Everything else closes it: drop, rename, type, NOT NULL, revoke, a changed policy or
function, and whatever could not be read. What concerns an object that the same deploy makes is no concern of older
releases. When in doubt the window closes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from freehold.core.inventory import MigrationFile
from freehold.data.closing import Closing
from freehold.data.migrations import blocks, nodes
from freehold.data.migrations.nodes import Name
from freehold.data.migrations.statements import Statement, statements


@dataclass(frozen=True)
class Existing:
    """What was in the database before the deploy; functions without their arguments."""

    names: frozenset[Name] = frozenset()


@dataclass
class _Judge:
    existing: Existing
    made: set[Name] = field(default_factory=set)

    def is_new(self, *name: str) -> bool:
        """Whether older releases cannot know it: this deploy makes it."""
        return name in self.made and name not in self.existing.names

    def is_absent(self, *name: str) -> bool:
        """Whether it is neither there nor made here."""
        return name not in self.existing.names and name not in self.made


def judge(files: Sequence[MigrationFile], existing: Existing) -> dict[str, tuple[Closing, ...]]:
    """Give what each file of one deploy closes, by path, in the order in which they run."""
    desk = _Judge(existing)
    return {file.path: tuple(_file(file, desk)) for file in files}


def _file(file: MigrationFile, desk: _Judge) -> Iterator[Closing]:
    for statement in statements(file.sql):
        for what, why in _statement(statement, desk):
            yield Closing(what, why, statement.line)


Found = Iterator[tuple[str, str]]


def _statement(statement: Statement, desk: _Judge) -> Found:
    if statement.kind == "do":
        yield from _block(statement, desk)
    elif statement.kind in _HARMLESS:
        return
    elif statement.kind in _RULES:
        yield from _RULES[statement.kind](statement.node, desk)
    else:
        yield _shown(statement.text), "cannot be told to be an addition" if statement.kind else "cannot be parsed"


def _block(statement: Statement, desk: _Judge) -> Found:
    """Judge what stands inside a DO block; what it puts together while it runs cannot be judged."""
    found = list(blocks.embedded(statement))
    if not found:
        yield _shown(statement.text), "a block that cannot be read"
    for sql in found:
        parts = statements(sql) if sql is not None else ()
        if not parts:
            yield _shown(statement.text), "runs SQL that is put together while it runs"
        for part in parts:
            if part.kind != "select":  # a condition or an assignment; a call stands as PERFORM, which is one as well
                yield from _statement(part, desk)


def _create_table(node: Any, desk: _Judge) -> Found:  # noqa: ANN401 - postgast carries no types
    desk.made.add(("table", *nodes.relation(node.relation)))
    yield from ()


def _create_table_as(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    desk.made.add(("table", *nodes.relation(node.into.rel)))
    yield from ()


def _view(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    name = ("table", *nodes.relation(node.view))
    if name in desk.existing.names and node.replace:
        yield ".".join(name[1:]), "the view is changed"
    desk.made.add(name)


def _create_function(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    name = ("function", *nodes.qualified(node.funcname))
    if name in desk.existing.names:
        yield f"{'.'.join(name[1:])}()", "the function is changed"
    desk.made.add(name)


def _create_policy(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    table = nodes.relation(node.table)
    if not node.permissive and not desk.is_new("table", *table):
        yield f'policy "{node.policy_name}" on {".".join(table)}', "a restrictive policy takes rights away"
    desk.made.add(("policy", *table, node.policy_name))


def _alter_policy(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    table = nodes.relation(node.table)
    if not desk.is_new("policy", *table, node.policy_name):
        yield f'policy "{node.policy_name}" on {".".join(table)}', "the policy is changed"


def _create_trigger(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    table = nodes.relation(node.relation)
    if not desk.is_new("table", *table):
        yield f"trigger {node.trigname} on {'.'.join(table)}", "writes to a table that was there do something else"
    desk.made.add(("trigger", *table, node.trigname))


def _index(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    table = nodes.relation(node.relation)
    if node.unique and not desk.is_new("table", *table):
        yield f"{'.'.join(table)}", "a unique index refuses rows that were allowed"
    desk.made.add(("index", table[0], node.idxname))


def _alter_enum(node: Any, _desk: _Judge) -> Found:  # noqa: ANN401
    if node.old_val:
        yield ".".join(nodes.qualified(node.type_name)), f"the value {node.old_val} is renamed"


def _named(kind: str, names: Callable[[Any], Name]) -> "Rule":
    def rule(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
        desk.made.add((kind, *names(node)))
        yield from ()

    return rule


def _rename(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    relation = nodes.relation(node.relation) if node.HasField("relation") else ()
    kind = "policy" if node.rename_type == _POLICY else "table"
    if relation and desk.is_new("table", *relation):
        return
    old = f"{'.'.join(relation)}.{node.subname}" if node.subname and relation else ".".join(relation) or node.subname
    yield old or kind, f"renamed to {node.newname}"


def _alter_table(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    table = nodes.relation(node.relation)
    if desk.is_new("table", *table):
        return
    for item in node.cmds:
        yield from _command(item.alter_table_cmd, ".".join(table), desk)


def _command(command: Any, table: str, desk: _Judge) -> Found:  # noqa: ANN401
    kind, column = command.subtype, f"{table}.{command.name}"
    if kind == _ALTER["AT_AddColumn"]:
        definition = command.def_.column_def if hasattr(command, "def_") else getattr(command, "def").column_def
        yield from _added_column(definition, table, desk)
    elif kind in _OPEN_COMMANDS:
        return
    elif kind == _ALTER["AT_DropColumn"]:
        if not desk.is_new("column", *table.split("."), command.name):
            yield column, "the column is dropped"
    elif kind in _COLUMN_CHANGES:
        if not desk.is_new("column", *table.split("."), command.name):
            yield column, _COLUMN_CHANGES[kind]
    else:
        yield table, _COMMANDS.get(kind, "the table is changed in another way than by an addition")


def _added_column(definition: Any, table: str, desk: _Judge) -> Found:  # noqa: ANN401
    kinds = {item.constraint.contype for item in definition.constraints}
    filled = {_CONSTRAINT["CONSTR_DEFAULT"], _CONSTRAINT["CONSTR_IDENTITY"], _CONSTRAINT["CONSTR_GENERATED"]}
    required = {_CONSTRAINT["CONSTR_NOTNULL"], _CONSTRAINT["CONSTR_PRIMARY"]}
    serial = nodes.qualified(definition.type_name.names)[-1] in {"serial", "bigserial", "smallserial"}
    if kinds & required and not kinds & filled and not serial:
        yield f"{table}.{definition.colname}", "a new column must be given a value"
    desk.made.add(("column", *table.split("."), definition.colname))


def _drop(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    kind = _DROPPED.get(node.remove_type, "")
    for item in node.objects:
        name = (kind, *nodes.dropped(item, kind))
        if kind and (desk.is_new(*name) or (node.missing_ok and desk.is_absent(*name))):
            continue
        if kind in {"policy", "trigger"} and desk.is_new("table", *name[1:3]):
            continue
        if kind == "index":
            continue
        yield _told(name), f"the {kind or 'object'} is dropped"


def _grant(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    if node.is_grant:
        return
    for item in node.objects:
        name = nodes.granted(item)
        if not any(desk.is_new(kind, *name) for kind in ("table", "function", "sequence")):
            yield ".".join(name), "rights are revoked"
    if not node.objects:
        yield "rights", "rights are revoked"


def _default_privileges(node: Any, _desk: _Judge) -> Found:  # noqa: ANN401
    if not node.action.is_grant:
        yield "default privileges", "rights are revoked"


def _written(verb: str) -> "Rule":
    def rule(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
        table = nodes.relation(node.relation)
        columns = [item.res_target.name for item in getattr(node, "target_list", ())]
        added = bool(columns) and all(desk.is_new("column", *table, column) for column in columns)
        if not desk.is_new("table", *table) and not added:
            yield ".".join(table), f"rows are {verb}"

    return rule


def _truncate(node: Any, desk: _Judge) -> Found:  # noqa: ANN401
    for item in node.relations:
        table = nodes.relation(item.range_var)
        if not desk.is_new("table", *table):
            yield ".".join(table), "rows are deleted"


def _alter_publication(node: Any, _desk: _Judge) -> Found:  # noqa: ANN401
    if node.action != _PUBLICATION_ADD:
        yield f"publication {node.pubname}", "tables are taken out"


def _select(node: Any, _desk: _Judge) -> Found:  # noqa: ANN401
    calls = {nodes.qualified(call.funcname) for call in nodes.calls(node)}
    unknown = sorted(".".join(name) for name in calls if name[-1] not in _HARMLESS_CALLS)
    if unknown:
        yield f"{unknown[0]}()", "a call whose effect is not known"


Rule = Callable[[Any, _Judge], Found]


def _told(name: Name) -> str:
    if name[0] in {"policy", "trigger"}:
        return f'{name[0]} "{name[-1]}" on {".".join(name[1:-1])}'
    return ".".join(part for part in name[1:] if part) + ("()" if name[0] == "function" else "")


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."  # noqa: PLR2004 - what fits a line beside the rest


_ALTER = nodes.values("AlterTableType")
_CONSTRAINT = nodes.values("ConstrType")
_OBJECT = nodes.values("ObjectType")
_POLICY = _OBJECT["OBJECT_POLICY"]
_PUBLICATION_ADD = nodes.values("AlterPublicationAction")["AP_AddObjects"]
_OPEN_COMMANDS = frozenset(
    _ALTER[name]
    for name in (
        "AT_ColumnDefault",
        "AT_ValidateConstraint",
        "AT_ReplicaIdentity",
        "AT_SetStatistics",
        "AT_SetStorage",
        "AT_SetCompression",
        "AT_ClusterOn",
        "AT_SetRelOptions",
        "AT_DisableRowSecurity",
        "AT_NoForceRowSecurity",
    )
)
_COLUMN_CHANGES = {
    _ALTER["AT_AlterColumnType"]: "the column's type is changed",
    _ALTER["AT_SetNotNull"]: "the column must be given a value",
    _ALTER["AT_DropNotNull"]: "the column may be empty now",
}
_COMMANDS = {
    _ALTER["AT_EnableRowSecurity"]: "row level security is switched on",
    _ALTER["AT_ForceRowSecurity"]: "row level security is forced",
    _ALTER["AT_AddConstraint"]: "a constraint refuses rows that were allowed",
    _ALTER["AT_DropConstraint"]: "a constraint is dropped",
}
_DROPPED = {
    _OBJECT["OBJECT_TABLE"]: "table",
    _OBJECT["OBJECT_VIEW"]: "table",
    _OBJECT["OBJECT_MATVIEW"]: "table",
    _OBJECT["OBJECT_FUNCTION"]: "function",
    _OBJECT["OBJECT_POLICY"]: "policy",
    _OBJECT["OBJECT_TRIGGER"]: "trigger",
    _OBJECT["OBJECT_INDEX"]: "index",
    _OBJECT["OBJECT_TYPE"]: "type",
    _OBJECT["OBJECT_SEQUENCE"]: "sequence",
}
_HARMLESS = frozenset(
    {"comment", "create_schema", "create_extension", "insert", "transaction", "variable_set", "variable_show", "notify"}
    | {"vacuum", "reindex", "create_domain", "create_publication", "create_stats", "refresh_mat_view", "explain"}
)
_HARMLESS_CALLS = frozenset(
    {"schedule", "unschedule", "setval", "set_config", "pg_notify", "now", "create_secret", "create", "count", "max"}
)
_RULES: dict[str, Rule] = {
    "create": _create_table,
    "create_table_as": _create_table_as,
    "view": _view,
    "create_function": _create_function,
    "create_policy": _create_policy,
    "alter_policy": _alter_policy,
    "create_trig": _create_trigger,
    "index": _index,
    "create_enum": _named("type", lambda node: nodes.qualified(node.type_name)),
    "composite_type": _named("type", lambda node: nodes.relation(node.typevar)),
    "create_seq": _named("sequence", lambda node: nodes.relation(node.sequence)),
    "alter_enum": _alter_enum,
    "rename": _rename,
    "alter_table": _alter_table,
    "drop": _drop,
    "grant": _grant,
    "alter_default_privileges": _default_privileges,
    "update": _written("changed"),
    "delete": _written("deleted"),
    "truncate": _truncate,
    "alter_publication": _alter_publication,
    "select": _select,
}
