"""Rules of single fields on writes: a write that touches a field it may not is refused whole; equal values pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from freehold.platform.entities import rules
from freehold.platform.entities.schema import Entity, rule_of
from freehold.runtime.base44 import rows
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Refusal
from freehold.runtime.base44.identity import Who


async def refuse_new(
    context: Context, who: Who, entity: Entity, records: Sequence[Mapping[str, Any]], bodies: Sequence[Any]
) -> None:
    """Refuse new records that set a field against its rule; defaults are the server's and pass."""
    guarded = _guarded(entity, "create")
    if who.service or not guarded:
        return
    for record, body in zip(records, bodies, strict=True):
        asked = [guard for guard in guarded if guard.path[0] in body and _at(body[guard.path[0]], guard.path[1:])]
        denied = await _denied(context, who, entity, asked, {"id": record["id"]}, owned=True)
        if denied:
            raise _refusal("set", denied)


async def refuse_changes(context: Context, who: Who, entity: Entity, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse changes, by record id, of fields whose rule does not hold for the record as it is."""
    guarded = _guarded(entity, "update")
    touched = {name for change in changes.values() for name in change}
    if who.service or not any(guard.path[0] in touched for guard in guarded):
        return
    (result,) = await context.run(
        who, [rows.whole(entity, {"id": {"$in": list(changes)}}, len(changes), service=True)], "update"
    )
    for record in rows.parsed(result.rows):
        change = changes[record["id"]]
        asked = [guard for guard in guarded if guard.path[0] in change and _is_touched(guard, change, record)]
        denied = await _denied(context, who, entity, asked, record, owned=False)
        if denied:
            raise _refusal("modify", denied)


@dataclass(frozen=True, kw_only=True)
class _Guard:
    """A path with a rule of its own; `inner` are the paths below it whose own rule counts instead."""

    path: tuple[str, ...]
    rule: object
    inner: tuple[tuple[str, ...], ...] = ()


def _guarded(entity: Entity, operation: str) -> list[_Guard]:
    found = []
    for field in entity.fields:
        nested = {item.path: rule_of(item.rules, operation) for item in field.nested}
        rules_at: dict[tuple[str, ...], object] = {(): field.rule(operation), **nested}
        own = {path: rule for path, rule in rules_at.items() if rule is not None}
        found += [
            _Guard(path=(field.name, *path), rule=rule, inner=tuple(other for other in own if _is_below(other, path)))
            for path, rule in own.items()
        ]
    return found


def _is_below(path: tuple[str, ...], above: tuple[str, ...]) -> bool:
    return len(path) > len(above) and path[: len(above)] == above


def _is_touched(guard: _Guard, change: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a change says something else than the record where the guard's own rule counts."""
    name, *path = guard.path

    def seen(value: object) -> list[object]:
        return [_without(item, [inner[len(path) :] for inner in guard.inner]) for item in _at(value, tuple(path))]

    return seen(change[name]) != seen(record.get(name))


def _at(value: object, path: tuple[str, ...]) -> list[object]:
    """Every value that a path leads to; a list on the way stands for its elements."""
    if not path:
        return [value]
    if isinstance(value, list):
        return [found for item in value for found in _at(item, path)]
    if not isinstance(value, Mapping) or path[0] not in value:
        return []
    return _at(value[path[0]], path[1:])


def _without(value: object, paths: list[tuple[str, ...]]) -> object:
    if not paths:
        return value
    if isinstance(value, list):
        return [_without(item, paths) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {}
    for name, item in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if () not in below:
            found[name] = _without(item, below)
    return found


async def _denied(  # noqa: PLR0913 - one question, six parts
    context: Context, who: Who, entity: Entity, guards: Sequence[_Guard], record: Mapping[str, Any], *, owned: bool
) -> list[str]:
    if not guards:
        return []
    ask = rows.owned if owned else rows.allows
    results = await context.run(who, [ask(entity, rules.allows(entity, guard.rule), record) for guard in guards])
    answered = zip(guards, results, strict=True)
    return [f"data.{'.'.join(guard.path)}" for guard, result in answered if result.one()[0] != b"t"]


def _refusal(verb: str, denied: list[str]) -> Refusal:
    message = f"You're not allowed to {verb} the following fields: {', '.join(denied)}"
    return Refusal(403, {"message": message})
