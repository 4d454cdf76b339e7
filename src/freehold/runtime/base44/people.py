"""/apps/{id}/entities/User: people read and change themselves, admins and functions everybody.

Name, address, role and standing are never changed here: such fields are passed over in silence, as at the builder.
"""

from typing import Any

from freehold.platform.entities.schema import PERSON, Entity
from freehold.runtime.base44 import accounts, entities, field_rules, rows, validate
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, answer, plain
from freehold.runtime.base44.identity import Who, new_id

_UNCHANGEABLE = frozenset(PERSON) | {"is_service", "app_id", "_app_role", "collaborator_role"}


async def me(context: Context, who: Who, entity: Entity) -> Answer:
    """GET User/me."""
    person = await accounts.current(context, who)
    return await _one(context, who, entity, person["id"])


async def update_me(context: Context, request: Request, who: Who, entity: Entity) -> Answer:
    """PUT User/me."""
    person = await accounts.current(context, who)
    return await _update(context, request, who, entity, person["id"])


async def answer_people(context: Context, request: Request, who: Who, entity: Entity, rest: tuple[str, ...]) -> Answer:
    """Answer every other call on User."""
    if not who.service:
        person = await accounts.current(context, who)
    if request.method == "GET" and not rest:
        return await entities.list_records(context, request, who, entity)
    if request.method == "GET" and rest == ("count",):
        return await entities.count_records(context, request, who, entity)
    if request.method == "GET" and len(rest) == 1:
        return await _one(context, who, entity, rest[0])
    if request.method == "PUT" and len(rest) == 1 and rest != ("bulk",):
        return await _update(context, request, who, entity, rest[0])
    if request.method == "POST" and not rest:
        return answer(_made_up(await request.table(), {} if who.service else person))
    if (request.method, rest) == ("POST", ("bulk",)) or (request.method == "DELETE" and len(rest) == 1):
        return answer({})
    raise plain(405, "This cannot be done to users: they join by signing up or by invitation")


async def _one(context: Context, who: Who, entity: Entity, identity: str) -> Answer:
    (result,) = await context.run(who, [rows.select_one(entity, identity, service=who.service)])
    if not result.rows:
        raise plain(404, f'User with id "{identity}" not found')
    return Answer(body=result.rows[0][0] or b"null")


async def _update(context: Context, request: Request, who: Who, entity: Entity, identity: str) -> Answer:
    body = await request.table()
    allowed = {key: value for key, value in body.items() if key not in _UNCHANGEABLE}
    known = {field.name for field in entity.fields}
    checked = validate.prepared(entity, {key: allowed[key] for key in allowed if key in known}, partial=True)
    loose = {} if known else allowed
    changes = loose | checked
    await field_rules.refuse_changes(context, who, entity, {identity: changes})
    (result,) = await context.run(who, [rows.update_one(entity, identity, changes, service=who.service)], act="update")
    if not result.rows:
        raise plain(404, "User record not found")
    return Answer(body=result.rows[0][0] or b"null")


def _made_up(body: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    """What the builder answers to making a user directly; nothing is stored."""
    moment = rows.now()
    return {
        "created_by": person.get("email"), "created_by_id": person.get("id"), "id": new_id(), "created_date": moment,
        "updated_date": moment, "is_sample": False, **body,
    }  # fmt: skip
