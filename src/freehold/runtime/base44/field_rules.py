"""Rules of single fields on writes: a write that touches a field it may not is refused whole; equal values pass."""

from collections.abc import Mapping, Sequence
from typing import Any

from freehold.platform.entities import rules
from freehold.platform.entities.schema import Entity, Field
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
        asked = [field for field in guarded if field.name in body]
        denied = await _denied(context, who, entity, asked, "create", {"id": record["id"]}, owned=True)
        if denied:
            raise _refusal("set", denied)


async def refuse_changes(context: Context, who: Who, entity: Entity, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse changes, by record id, of fields whose rule does not hold for the record as it is."""
    guarded = _guarded(entity, "update")
    touched = {name for change in changes.values() for name in change}
    if who.service or not any(field.name in touched for field in guarded):
        return
    (result,) = await context.run(
        who, [rows.whole(entity, {"id": {"$in": list(changes)}}, len(changes), service=True)], "update"
    )
    for record in rows.parsed(result.rows):
        change = changes[record["id"]]
        asked = [item for item in guarded if item.name in change and change[item.name] != record.get(item.name)]
        denied = await _denied(context, who, entity, asked, "update", record, owned=False)
        if denied:
            raise _refusal("modify", denied)


def _guarded(entity: Entity, operation: str) -> list[Field]:
    return [field for field in entity.fields if _rule(field, operation) is not None]


def _rule(field: Field, operation: str) -> object:
    own = field.rules
    return own.get(operation, own.get("write"))


async def _denied(  # noqa: PLR0913, PLR0917 - one question, six parts
    context: Context, who: Who, entity: Entity, fields: Sequence[Field], operation: str, record: Mapping[str, Any],
    *, owned: bool,
) -> list[str]:  # fmt: skip
    denied = []
    ask = rows.owned if owned else rows.allows
    for field in fields:
        condition = rules.allows(entity, _rule(field, operation))
        (result,) = await context.run(who, [ask(entity, condition, record)])
        if result.one()[0] != b"t":
            denied.append(f"data.{field.name}")
    return denied


def _refusal(verb: str, denied: list[str]) -> Refusal:
    message = f"You're not allowed to {verb} the following fields: {', '.join(denied)}"
    return Refusal(403, {"message": message})
