"""What functions give and do: those that run with their owner's rights and that strangers may call."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from freehold.data.probe import answers, judgement, queues
from freehold.data.probe.calls import TEXTS, Call, Callee, call, calls, fitted
from freehold.data.probe.garden import Garden
from freehold.data.probe.objects import Function, Objects
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, Outcome, Stage, literal, name
from freehold.kit import json_text

_DYNAMIC = re.compile(r"\bexecute\b(?!\s+(?:function|procedure|on)\b)", re.IGNORECASE)
_TIMED_OUT = "57014"
_PRODUCT = 6 * 7 * 191
_RAISES = f"do $probe$ begin raise exception 'freehold %', {_PRODUCT // 191} * 191; end $probe$"
_SELECTS = f"select 'freehold ' || ({_PRODUCT // 191} * 191)::text as probe"
_PROOF = f"freehold {_PRODUCT}"
_TELLING = 12
"""Characters from which on a value is not met by chance."""
_COUNTER = re.compile(r"(count|views?|likes|clicks|downloads|score|usage|uses)$|_at$|_count|attempts")


def probe_function(
    stage: Stage, objects: Objects, garden: Garden, function: Function, actors: tuple[Actor, ...]
) -> Iterator[Observation]:
    """Call it as everybody who may, with B's ids; the other actors cannot get more than their own rights."""
    if not function.definer:
        return
    callee = Callee(stage=stage, objects=objects, garden=garden, function=function)
    for actor in actors:
        if actor.role not in function.callers:
            continue
        given = next(_given(callee, actor), None)
        if function.full_name in stage.timed_out:
            return
        if given is not None:
            yield given
        elif not function.writes:
            yield from answers.told(callee, actor)
        if _DYNAMIC.search(function.source):
            yield from _runs_sql(callee, actor)
        if function.volatile:
            yield from _changes(callee, actor)


def _given(callee: Callee, actor: Actor) -> Iterator[Observation]:
    """Call with planted rows as they are, then with rows that meet the function's own conditions.

    A function that refused each call asks who calls, most often: other rows would not change its mind.
    """
    for before in dict.fromkeys(("", callee.stage.quiet(fitted(callee)))):
        refused = True
        for one in calls(callee):
            outcome = callee.stage.attempt(actor, one.statement, before=before)
            if outcome.sqlstate == _TIMED_OUT:
                callee.stage.timed_out.append(callee.function.full_name)
                return
            refused = refused and not outcome.worked
            yield from _gives(callee, actor, one, outcome)
        if refused:
            return


def _gives(callee: Callee, actor: Actor, one: Call, outcome: Outcome) -> Iterator[Observation]:
    """Look for what belongs to others in the answer; what was handed over itself does not count."""
    stage, function = callee.stage, callee.function
    text = "\n".join(str(row[0]) for row in outcome.rows)
    for value in one.given:
        text = text.replace(value, "")
    people = (stage.b, stage.c, stage.a) if actor.role == "anon" else (stage.b, stage.c)
    marks = tuple(mark for mark in (*(person.mark for person in people), *_secrets(callee)) if mark in text)
    if not outcome.worked or not marks:
        return
    columns = _columns_with(text, marks)
    secret, personal = judgement.secret_columns(columns), judgement.personal_columns(columns)
    if any(f"{mark}@" in text for mark in marks):
        personal = personal or ("email",)
    yield Observation(
        kind="function-bypasses",
        object=function.full_name,
        actor=actor.name,
        action="call",
        evidence=f"{function.full_name} runs with its owner's rights and gives {actor.name} another user's "
        + (", ".join(secret or personal or columns) or "data"),
        sql=one.statement,
        hole=bool(secret or personal),
        columns=secret or personal or columns,
    )


def _secrets(callee: Callee) -> Iterator[str]:
    """Give the secret values of B's rows, such as a random token: they hold no mark, and are recognised as they are."""
    for relation in callee.mentioned():
        row = callee.garden.row(relation, "b")
        for column in judgement.secret_columns(tuple(row.values), relation) if row else ():
            value = row.values.get(column) if row else None
            if isinstance(value, str) and len(value) >= _TELLING:
                yield value


def _columns_with(text: str, marks: tuple[str, ...]) -> tuple[str, ...]:
    """Name the members of JSON answers whose value holds a mark."""
    found: dict[str, None] = {}

    def walk(value: Any) -> None:  # noqa: ANN401 - JSON of any shape
        if isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, str) and any(mark in item for mark in marks):
                    found[key] = None
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for line in text.split("\n"):
        try:
            walk(json_text.read(line))
        except ValueError:
            continue
    return tuple(found)


def _changes(callee: Callee, actor: Actor) -> Iterator[Observation]:
    """Look which of B's rows are no longer what they were after the call, and which queues."""
    for one in calls(callee):
        found = [*_changed_rows(callee, actor, one), *_changed_queues(callee, actor, one)]
        if found:
            yield from found
            return


def _changed_queues(callee: Callee, actor: Actor, one: Call) -> Iterator[Observation]:
    """A queue that a function reaches by its own text is written, or emptied, by whoever may call it."""
    if "pgmq" not in callee.source or not callee.objects.queues:
        return
    outcome = callee.stage.attempt(actor, one.statement, look=queues.lengths(callee.objects))
    changed = [queue for queue, length in (outcome.seen or {}).items() if length != 1]
    if changed:
        yield Observation(
            kind="queue-open",
            object=callee.function.full_name,
            actor=actor.name,
            action="call",
            evidence=f"{callee.function.full_name} runs with its owner's rights and lets {actor.name} "
            f"{'add to' if outcome.seen[changed[0]] else 'delete from'} the queue {changed[0]}",
            sql=one.statement,
        )


def _changed_rows(callee: Callee, actor: Actor, one: Call) -> Iterator[Observation]:
    objects, garden, function = callee.objects, callee.garden, callee.function
    outcome = callee.stage.attempt(actor, one.statement, look=_fate(objects, garden, function))
    for found in outcome.seen or ():
        relation = objects.relations[found["oid"]]
        if relation.oid not in objects.owned:
            continue
        after, before = found["after"], garden.rows[relation.oid, "b"].values
        changed = tuple(key for key, value in (after or {}).items() if before.get(key) != value)
        counted = all(_COUNTER.search(key) for key in changed) or judgement.only_derives(function)
        harmless = after is not None and counted
        yield Observation(
            kind="function-changes",
            object=function.full_name,
            actor=actor.name,
            action="call",
            evidence=f"{function.full_name} runs with its owner's rights and lets {actor.name} "
            + (f"change {', '.join(changed) or 'nothing'} of" if after is not None else "delete")
            + f" another user's row of {relation.full_name}",
            sql=one.statement,
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


def _runs_sql(callee: Callee, actor: Actor) -> Iterator[Observation]:
    """Hand over SQL as a text: first whole statements, then a quote that must not end a literal."""
    stage, function = callee.stage, callee.function
    for number, kind in enumerate(function.types):
        if kind not in TEXTS:
            continue
        for given in (_RAISES, _SELECTS):
            statement = call(callee, {number: given}).statement
            if _is_proof(stage.attempt(actor, statement)):
                yield _injected("function-runs-sql", function, actor, statement, "runs any SQL that it is given")
                return
        plain = uuid.uuid4().hex[:8]
        calm = stage.attempt(actor, call(callee, {number: plain}).statement)
        statement = call(callee, {number: f"{plain}'"}).statement
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
