"""What one of Django's migrations takes away from older releases, told by its syntax tree: none of it is run.

What only adds keeps the window open: a table, an index, a column that may be empty. Everything else closes it, as does
whatever could not be read; what concerns a table that the same deploy makes is no concern of older releases.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from freehold.data.closing import Closing
from freehold.data.server_migrations.files import File

_OPEN = frozenset(
    {"AddIndex", "AddIndexConcurrently", "RemoveIndex", "RemoveIndexConcurrently", "RenameIndex"}
    | {"AlterModelOptions", "AlterModelManagers", "AlterModelTableComment", "AlterOrderWithRespectTo"}
)
_CLOSED = {
    "AlterField": "the column is changed",
    "RemoveField": "the column is dropped",
    "RenameField": "the column is renamed",
    "DeleteModel": "the table is dropped",
    "RenameModel": "the table is renamed",
    "AlterModelTable": "the table is renamed",
    "AlterUniqueTogether": "rows that were allowed are refused",
    "AlterIndexTogether": "indexes are changed",
    "AddConstraint": "a constraint refuses rows that were allowed",
    "RemoveConstraint": "a constraint is dropped",
}
_MODEL = {"RenameModel": "old_name"}
_CODE = {"RunPython": "runs code whose effect is not known", "RunSQL": "runs SQL that is not judged"}


@dataclass
class _Desk:
    known: frozenset[str]
    """Names of migrations that ran before."""
    made: set[tuple[str, str]] = field(default_factory=set)

    def is_new(self, file: File, model: str) -> bool:
        """Whether older releases cannot know the table: this deploy makes it, or brings its package."""
        is_new_package = not any(name.startswith(f"{file.label}.") for name in self.known)
        return is_new_package or (file.label, model.lower()) in self.made


def judge(files: Sequence[File], known: frozenset[str]) -> dict[str, tuple[Closing, ...]]:
    """Give what each of the new files of one deploy closes, by its name; `known` are those that ran before."""
    desk = _Desk(known)
    return {file.name: tuple(_file(file, desk)) for file in files}


def _file(file: File, desk: _Desk) -> Iterator[Closing]:
    try:
        tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError):
        yield Closing(file.name, "cannot be read", 1)
        return
    body = [item for item in tree.body if isinstance(item, ast.ClassDef) and item.name == "Migration"]
    names = {name: value for item in body for name, value in _assigned(item)}
    if not body:
        return
    if _replaces(names.get("replaces")) <= desk.known and "replaces" in names:
        return
    for call in _operations(names.get("operations")):
        if not isinstance(call, ast.Call):
            yield Closing(file.name, "cannot be told to be an addition", call.lineno)
        else:
            yield from _operation(call, file, desk)


def _assigned(item: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in item.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _operations(node: ast.expr | None) -> Sequence[ast.expr]:
    if node is None:
        return ()
    return node.elts if isinstance(node, ast.List | ast.Tuple) else (node,)


def _replaces(node: ast.expr | None) -> frozenset[str]:
    pairs = [item.elts for item in node.elts if isinstance(item, ast.Tuple)] if isinstance(node, ast.List) else []
    return frozenset(".".join(_text(part) for part in pair) for pair in pairs)


def _operation(call: ast.Call, file: File, desk: _Desk) -> Iterator[Closing]:
    kind = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    model = _argument(call, _MODEL.get(kind, "model_name" if "Field" in kind or "Constraint" in kind else "name"), 0)
    told = f"{file.label}.{model.lower()}"
    if kind == "CreateModel":
        desk.made.add((file.label, model.lower()))
    elif kind in _OPEN or _does_nothing(call, kind):
        return
    elif kind in _CODE:
        if file.is_apps or not desk.is_new(file, ""):
            yield Closing(file.name, _CODE[kind], call.lineno)
    elif kind == "AddField":
        if not desk.is_new(file, model) and not _may_be_left_out(call):
            yield Closing(f"{told}.{_argument(call, 'name', 1)}", "a new column must be given a value", call.lineno)
    elif kind in _CLOSED:
        if not desk.is_new(file, model):
            column = f".{_argument(call, 'name', 1)}" if kind.endswith("Field") and kind != "RenameField" else ""
            yield Closing(f"{told}{column}", _CLOSED[kind], call.lineno)
    elif file.is_apps or not desk.is_new(file, ""):
        yield Closing(file.name, f"{kind or 'an operation'} cannot be told to be an addition", call.lineno)


def _does_nothing(call: ast.Call, kind: str) -> bool:
    """Whether code does nothing on the way forward: `RunPython(RunPython.noop, ...)`."""
    first = call.args[0] if call.args else None
    return kind in _CODE and isinstance(first, ast.Attribute) and first.attr == "noop"


def _may_be_left_out(call: ast.Call) -> bool:
    """Whether rows may be written without the column: Django takes a default back as soon as the column is there."""
    made = next((item.value for item in call.keywords if item.arg == "field"), call.args[2] if call.args[2:] else None)
    if not isinstance(made, ast.Call):
        return False
    if isinstance(made.func, ast.Attribute) and made.func.attr == "ManyToManyField":
        return True
    options = {item.arg: item.value for item in made.keywords}
    null = options.get("null")
    return "db_default" in options or (isinstance(null, ast.Constant) and null.value is True)


def _argument(call: ast.Call, name: str, position: int) -> str:
    named = next((item.value for item in call.keywords if item.arg == name), None)
    return _text(named if named is not None else call.args[position] if len(call.args) > position else None)


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"
