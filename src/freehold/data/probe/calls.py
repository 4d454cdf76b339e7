"""How a function is called: with plausible values first, then with what B's rows hold where the function compares."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from freehold.data.probe.garden import Garden, Row
from freehold.data.probe.objects import Function, Objects, Relation
from freehold.data.probe.queues import PLANTED_MESSAGE
from freehold.data.probe.stage import Stage, literal, name

TEXTS = frozenset({"text", "character varying", "citext", "name"})
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LABEL = re.compile(r"^(?:_|p_|in_|arg_|v_|target_)+", re.IGNORECASE)
_FIXED: dict[str, str] = {
    "boolean": "true",
    "integer": "1",
    "bigint": "1",
    "smallint": "1",
    "numeric": "1",
    "double precision": "1",
    "real": "1",
    "json": "{}",
    "jsonb": "{}",
    "date": "2026-01-01",
    "timestamp with time zone": "2026-01-01T00:00:00Z",
    "timestamp without time zone": "2026-01-01T00:00:00",
    "time without time zone": "10:00",
    "interval": "1 hour",
    "inet": "192.0.2.1",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A statement that calls, and the values that stand in it."""

    statement: str
    given: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Callee:
    """A function with all that is known when it is called."""

    stage: Stage
    objects: Objects
    garden: Garden
    function: Function

    @property
    def source(self) -> str:
        """What it does, without comments."""
        return _COMMENT.sub(" ", self.function.source)

    def mentioned(self) -> Iterator[Relation]:
        """Give the tables whose names stand in it."""
        words = {word.lower() for word in re.findall(r"\w+", self.source)}
        for relation in self.objects.relations.values():
            if relation.kind == "r" and relation.name.lower() in words:
                yield relation


def calls(callee: Callee) -> tuple[Call, ...]:
    """Give the plausible call, and where B's rows suggest other values, the call with those."""
    plain, suggested = call(callee), _suggested(callee)
    return (plain, call(callee, suggested)) if suggested else (plain,)


def call(callee: Callee, given: dict[int, str] | None = None) -> Call:
    """Write the call; `given` holds values by the argument's place."""
    function = callee.function
    values: list[str | None] = []
    for number, kind in enumerate(function.types):
        labels = function.labels[number] if number < len(function.labels) else ()
        chosen = (given or {}).get(number)
        values.append(chosen or (labels[0] if labels else _plausible(callee, _label(function, number), kind)))
    arguments = ", ".join(
        f"null::{kind}" if value is None else f"{literal(value)}::{kind}"
        for value, kind in zip(values, function.types, strict=True)
    )
    return Call(
        statement=f"select to_jsonb(answer)::text from {name(function.schema, function.name)}({arguments}) as answer",
        given=tuple(value for value in values if value),
    )


def fitted(callee: Callee) -> str:
    """Give statements that make others' rows meet the function's simple conditions, such as `status = 'open'`.

    A's own rows stay: a condition may be what makes its caller an administrator.
    """
    updates = []
    for relation in callee.mentioned():
        wanted = dict(_wanted(callee.source, relation))
        rows = [row for (oid, who), row in callee.garden.rows.items() if oid == relation.oid and who != "a"]
        if wanted and rows:
            table = name(relation.schema, relation.name)
            assigned = ", ".join(f"{name(column)} = {value}" for column, value in wanted.items())
            places = " or ".join(f"({row.place})" for row in rows)
            updates.append(f"update {table} set {assigned} where {places}")
    return "; ".join(_forgiving(update) for update in updates)


def _forgiving(statement: str) -> str:
    """A row that a check refuses stays as it is."""
    return f"do $freehold$ begin {statement}; exception when others then null; end $freehold$"


def _wanted(source: str, relation: Relation) -> Iterator[tuple[str, str]]:
    keys = {column for _, columns in relation.keys for column in columns}
    for column in relation.columns:
        if column.generated or column.array or column.name in keys:
            continue
        word = rf"(?<![\w'])(?:\w+\.)?{re.escape(column.name)}(?:::\w+)?\s*"
        if match := re.search(
            rf"{word}(?:=\s*|in\s*\(\s*|=\s*any\s*\(\s*array\s*\[\s*)('[^']*')", source, re.IGNORECASE
        ):
            yield column.name, match[1]
        elif re.search(rf"{word}>=?\s*(?:now\(|current_|clock_timestamp\()", source, re.IGNORECASE):
            yield column.name, "now() + interval '1 day'"
        elif re.search(rf"{word}<=?\s*(?:now\(|current_|clock_timestamp\()", source, re.IGNORECASE):
            yield column.name, "now() - interval '1 day'"
        elif column.base == "boolean" and re.search(word, source, re.IGNORECASE):
            off = re.search(rf"not\s+{word}|{word}(?:=\s*false|is\s+false|is\s+not\s+true)", source, re.IGNORECASE)
            yield column.name, "false" if off else "true"
        elif not column.required and re.search(rf"{word}is\s+null", source, re.IGNORECASE):
            yield column.name, "null"


def _label(function: Function, number: int) -> str:
    return function.names[number] if number < len(function.names) else ""


def _suggested(callee: Callee) -> dict[int, str]:
    """Take for an argument what B's row holds in the column that the function compares it with, or that is named so."""
    found: dict[int, str] = {}
    tables = [(relation, callee.garden.row(relation, "b")) for relation in callee.mentioned()]
    for number, kind in enumerate(callee.function.types):
        label = _label(callee.function, number)
        if not label or kind in {"jsonb", "json"}:
            continue
        value = next(_held(callee.source, label, [(item, row) for item, row in tables if row]), None)
        if value is not None:
            found[number] = f'{{"{value}"}}' if kind.endswith("[]") else str(value)
    return found


def _held(source: str, label: str, tables: list[tuple[Relation, Row]]) -> Iterator[object]:
    argument = rf"(?:lower\s*\(\s*|trim\s*\(\s*|any\s*\(\s*)*(?:\w+\.)?{re.escape(label)}\b"
    column = r"(?:\w+\.)?\"?(\w+)\"?(?:::\w+)?(?:\s*\))*"
    compared = re.findall(rf"{column}\s*=\s*{argument}", source, re.IGNORECASE)
    compared += re.findall(rf"{argument}(?:::\w+)?(?:\s*\))*\s*=\s*(?:lower\s*\(\s*)?{column}", source, re.IGNORECASE)
    for wanted in (*compared, _LABEL.sub("", label)):
        for _, row in tables:
            value = row.values.get(wanted)
            if isinstance(value, str | int) and not isinstance(value, bool):
                yield value


def _plausible(callee: Callee, label: str, kind: str) -> str | None:
    stage = callee.stage
    if kind == "uuid":
        return _id(callee, label)
    if kind.endswith("[]"):
        return f"{{{stage.b.id}}}" if kind == "uuid[]" else "{}"
    queued = _queued(callee.objects.queues, label)
    if queued or kind not in TEXTS:
        return queued or _FIXED.get(kind)
    if "email" in label:
        return stage.b.email
    return stage.b.id if re.search(r"(user|owner|profile)_?id$", label) else f"{stage.b.mark} name"


def _queued(queues: tuple[str, ...], label: str) -> str:
    """Give a queue, or a message in it, for an argument that is named so; one of what failed is another queue."""
    if not queues:
        return ""
    if re.search(r"dlq|dead", label):
        return next((queue for queue in queues if queue.endswith("dlq")), queues[-1])
    if "queue" in label:
        return queues[0]
    return str(PLANTED_MESSAGE) if re.search(r"(message|msg)_?id$", label) else ""


def _id(callee: Callee, label: str) -> str:
    """Choose the id of B's row in the table that the argument's name speaks of, else B's own."""
    word = re.sub(r"_?(id|uuid)$", "", _LABEL.sub("", label.lower()))
    for relation in callee.objects.relations.values():
        if word and relation.name.lower() in {word, f"{word}s", f"{word}es", re.sub("y$", "ies", word)}:
            row = callee.garden.row(relation, "b")
            value = row.values.get("id") if row else None
            if isinstance(value, str):
                return value
    return callee.stage.b.id
