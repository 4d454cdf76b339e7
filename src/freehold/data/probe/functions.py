"""What functions give and do: those that run with their owner's rights and that strangers may call."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from freehold.data.probe import judgement
from freehold.data.probe.objects import Function, Objects
from freehold.data.probe.observation import Observation
from freehold.data.probe.plant import Garden
from freehold.data.probe.stage import Actor, Outcome, Stage, literal, name

_TEXTS = frozenset({"text", "character varying", "citext", "name"})
_DYNAMIC = re.compile(r"\bexecute\b(?!\s+(?:function|procedure|on)\b)", re.IGNORECASE)
_TIMED_OUT = "57014"
_PRODUCT = 6 * 7 * 191
_RAISES = f"do $probe$ begin raise exception 'freehold %', {_PRODUCT // 191} * 191; end $probe$"
_SELECTS = f"select 'freehold ' || ({_PRODUCT // 191} * 191)::text as probe"
_PROOF = f"freehold {_PRODUCT}"
_COUNTER = re.compile(r"(count|views?|likes|clicks|downloads|score|usage|uses)$|_at$|_count|attempts")
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


def probe_function(
    stage: Stage, objects: Objects, garden: Garden, function: Function, actors: tuple[Actor, ...]
) -> Iterator[Observation]:
    """Call it as everybody who may, with B's ids; the other actors cannot get more than their own rights."""
    if not function.definer:
        return
    for actor in actors:
        if actor.role not in function.callers:
            continue
        statement = _call(stage, objects, garden, function)
        outcome = stage.attempt(actor, statement)
        if outcome.sqlstate == _TIMED_OUT:
            stage.timed_out.append(function.full_name)
            return
        yield from _gives(stage, function, actor, statement, outcome)
        if _DYNAMIC.search(function.source):
            yield from _runs_sql(stage, objects, garden, function, actor)
        if function.volatile:
            yield from _changes(stage, objects, garden, function, actor)


def _call(stage: Stage, objects: Objects, garden: Garden, function: Function, **given: str) -> str:
    arguments = []
    for number, kind in enumerate(function.types):
        label = function.names[number] if number < len(function.names) else ""
        labels = function.labels[number] if number < len(function.labels) else ()
        value = given.get(str(number)) or (labels[0] if labels else _argument(stage, objects, garden, label, kind))
        arguments.append(f"null::{kind}" if value is None else f"{literal(value)}::{kind}")
    return (
        f"select to_jsonb(answer)::text from {name(function.schema, function.name)}({', '.join(arguments)}) as answer"
    )


def _argument(stage: Stage, objects: Objects, garden: Garden, label: str, kind: str) -> str | None:
    if kind == "uuid":
        return _id(stage, objects, garden, label)
    if kind.endswith("[]"):
        return "{}"
    if kind in _TEXTS:
        if "email" in label:
            return stage.b.email
        return stage.b.id if re.search(r"(user|owner|profile)_?id$", label) else f"{stage.b.mark} name"
    return _FIXED.get(kind)


def _id(stage: Stage, objects: Objects, garden: Garden, label: str) -> str:
    """Choose the id of B's row in the table that the argument's name speaks of, else B's own."""
    word = re.sub(r"^(_|p_|in_|arg_|v_|target_)+|_?(id|uuid)$", "", label.lower())
    for relation in objects.relations.values():
        if word and relation.name.lower() in {word, f"{word}s", f"{word}es", re.sub("y$", "ies", word)}:
            row = garden.row(relation, "b")
            value = row.values.get("id") if row else None
            if isinstance(value, str):
                return value
    return stage.b.id


def _gives(stage: Stage, function: Function, actor: Actor, statement: str, outcome: Outcome) -> Iterator[Observation]:
    text = "\n".join(str(row[0]) for row in outcome.rows)
    if not outcome.worked or stage.b.mark not in text.replace(f"{stage.b.mark} name", ""):
        return
    columns = _columns_with(text, stage.b.mark)
    secret, personal = judgement.secret_columns(columns), judgement.personal_columns(columns)
    if f"{stage.b.mark}@" in text and stage.b.email not in statement:
        personal = personal or ("email",)
    yield Observation(
        kind="function-bypasses",
        object=function.full_name,
        actor=actor.name,
        action="call",
        evidence=f"{function.full_name} runs with its owner's rights and gives {actor.name} another user's "
        + (", ".join(secret or personal or columns) or "data"),
        sql=statement,
        hole=bool(secret or personal),
        columns=secret or personal or columns,
    )


def _columns_with(text: str, mark: str) -> tuple[str, ...]:
    """Name the members of JSON answers whose value holds the mark."""
    found: dict[str, None] = {}

    def walk(value: Any) -> None:  # noqa: ANN401 - JSON of any shape
        if isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, str) and mark in item:
                    found[key] = None
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for line in text.split("\n"):
        try:
            walk(json.loads(line))
        except ValueError:
            continue
    return tuple(found)


def _changes(stage: Stage, objects: Objects, garden: Garden, function: Function, actor: Actor) -> Iterator[Observation]:
    """Look which of B's rows are no longer what they were after the call."""
    statement = _call(stage, objects, garden, function)
    outcome = stage.attempt(actor, statement, look=_fate(objects, garden, function))
    for found in outcome.seen or ():
        relation = objects.relations[found["oid"]]
        if relation.oid not in objects.owned:
            continue
        after, before = found["after"], garden.rows[relation.oid, "b"].values
        changed = tuple(key for key, value in (after or {}).items() if before.get(key) != value)
        harmless = after is not None and all(_COUNTER.search(key) for key in changed)
        yield Observation(
            kind="function-changes",
            object=function.full_name,
            actor=actor.name,
            action="call",
            evidence=f"{function.full_name} runs with its owner's rights and lets {actor.name} "
            + (f"change {', '.join(changed) or 'nothing'} of" if after is not None else "delete")
            + f" another user's row of {relation.full_name}",
            sql=statement,
            hole=after is None or (not harmless and actor.role == "anon"),
            columns=changed,
        )


def _fate(objects: Objects, garden: Garden, function: Function) -> str:
    """Ask for B's rows that moved, in the tables whose names stand in the function: as JSON with what they are now."""
    words = {word.lower() for word in re.findall(r"\w+", function.source)}
    parts = []
    for (oid, who), row in garden.rows.items():
        relation = objects.relations[oid]
        if who != "b" or relation.kind != "r" or relation.name.lower() not in words or not relation.primary_key:
            continue
        table = name(relation.schema, relation.name)
        key = " and ".join(
            f"now.{name(column)}::text = {literal(str(row.values.get(column)))}" for column in relation.primary_key
        )
        parts.append(
            f"select jsonb_build_object('oid', {oid}, 'after', (select to_jsonb(now) from {table} as now where {key}))"
            f" as fate where not exists (select from {table} where {row.place})"
        )
    return f"select coalesce(jsonb_agg(fate), '[]') from ({' union all '.join(parts)}) as fates" if parts else ""


def _runs_sql(
    stage: Stage, objects: Objects, garden: Garden, function: Function, actor: Actor
) -> Iterator[Observation]:
    """Hand over SQL as a text: first whole statements, then a quote that must not end a literal."""
    for number, kind in enumerate(function.types):
        if kind not in _TEXTS:
            continue
        for given in (_RAISES, _SELECTS):
            statement = _call(stage, objects, garden, function, **{str(number): given})
            if _is_proof(stage.attempt(actor, statement)):
                yield _injected("function-runs-sql", function, actor, statement, "runs any SQL that it is given")
                return
        plain = uuid.uuid4().hex[:8]
        calm = stage.attempt(actor, _call(stage, objects, garden, function, **{str(number): plain}))
        statement = _call(stage, objects, garden, function, **{str(number): f"{plain}'"})
        if calm.sqlstate != "42601" and stage.attempt(actor, statement).sqlstate == "42601":
            yield _injected("function-injectable", function, actor, statement, "puts its argument into SQL unquoted")
            return


def _is_proof(outcome: Outcome) -> bool:
    return _PROOF in outcome.message or any(_PROOF in str(row[0]) for row in outcome.rows)


def _injected(kind: str, function: Function, actor: Actor, statement: str, what: str) -> Observation:
    return Observation(
        kind=kind,
        object=function.full_name,
        actor=actor.name,
        action="call",
        evidence=f"{function.full_name} runs with its owner's rights and {what}; {actor.name} may call it",
        sql=statement,
    )
