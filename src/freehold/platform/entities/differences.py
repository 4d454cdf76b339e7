"""What a newer schema of an entity means for people and for older releases. Pure.

A change asks when somebody may do more than before, or when an older release may miss something: then the owner has to
accept it by the entity's name. A new entity, and a field that nobody has to send, only add.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from freehold.platform.entities import rules
from freehold.platform.entities.schema import Entity, Field, rule_of

_OPEN, _CONDITION, _CLOSED = 2, 1, 0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`takes` says that a release from before may miss something; `operation` is "" unless a row rule differs."""

    title: str
    asks: str
    takes: bool
    operation: str = ""


def row_rules(new: Entity, old: Entity) -> list[Difference]:
    """Compare the rules of rows, operation by operation; forms that mean the same are the same."""
    was, now = rules.rules_of(old), rules.rules_of(new)
    found = []
    for operation in rules.OPERATIONS:
        if rules.allows(new, now[operation]) != rules.allows(new, was[operation]):
            asks, takes = _judged(f"{operation} records", was[operation], now[operation])
            title = f"{new.name}: {sentence(operation, now[operation])}"
            found.append(Difference(title=title, asks=asks, takes=takes, operation=operation))
    return found


def fields(new: Entity, old: Entity) -> list[Difference]:
    """Compare fields: gone, of another type, asked for now, or with other rules of their own."""
    found = [
        Difference(
            title=f"{new.name}: {field.name} is no field any more",
            asks=f"{field.name} is gone: its values are kept, and neither shown nor written",
            takes=True,
        )
        for field in old.fields
        if new.field(field.name) is None and not old.inferred
    ]
    for field in new.fields:
        before = old.field(field.name)
        if before is not None:
            found += _field(new, field, before)
    found += [
        Difference(
            title=f"{new.name}: new records need {name}",
            asks=f"new records need {name}: who does not send it is refused",
            takes=True,
        )
        for name in new.required
        if name not in old.required and not old.inferred and new.field(name) is not None
    ]
    return found


def sentence(operation: str, rule: object) -> str:
    """Say in words what a rule does."""
    rank = _rank(rule)
    if rank == _OPEN:
        return f"everyone may {operation}, as no rule says otherwise"
    return f"nobody may {operation}" if rank == _CLOSED else f"its rule for {operation} becomes a policy"


def _field(new: Entity, field: Field, before: Field) -> list[Difference]:
    found = []
    if field.definition.get("type") != before.definition.get("type"):
        kind = field.definition.get("type", "any value")
        title = f"{new.name}: {field.name} has another type"
        asks = f"{field.name} is {kind} now, was {before.definition.get('type', 'any value')}"
        found.append(Difference(title=title, asks=asks, takes=True))
    inside_now = {(field.name, *item.path): item.rules for item in field.nested} | {(field.name,): field.rules}
    inside_was = {(field.name, *item.path): item.rules for item in before.nested} | {(field.name,): before.rules}
    for path in dict.fromkeys((*inside_now, *inside_was)):
        found += _own_rules(new, ".".join(path), inside_was.get(path, {}), inside_now.get(path, {}))
    return found


def _own_rules(
    new: Entity, name: str, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[Difference]:
    for operation in ("read", "create", "update"):
        was, now = rule_of(before, operation), rule_of(after, operation)
        if rules.allows(new, was) != rules.allows(new, now):
            asks, takes = _judged(f"{operation} the field {name}", was, now)
            title = f"{new.name}: another rule for who may {operation} {name}"
            yield Difference(title=title, asks=asks, takes=takes)


def _judged(what: str, was: object, now: object) -> tuple[str, bool]:
    """Say whom a changed rule lets in or shuts out, and whether it shuts out at all."""
    before, after = _rank(was), _rank(now)
    if after == _OPEN:
        return f"everyone may {what} now, nobody signed in included; before, {_words(before)}", False
    if after == _CLOSED:
        return f"nobody may {what} any more", True
    if before == _CLOSED:
        return f"some may {what} now; before, nobody might", False
    if before == _OPEN:
        return f"only those whom its rule allows may {what} now; before, everyone might", True
    return f"others may {what} now: its rule has changed", True


def _words(rank: int) -> str:
    return "only those whom its rule allowed" if rank == _CONDITION else "nobody might"


def _rank(rule: object) -> int:
    if rules.is_open(rule):
        return _OPEN
    return _CONDITION if isinstance(rule, Mapping) else _CLOSED
