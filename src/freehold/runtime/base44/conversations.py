"""/apps/{id}/agents/conversations: what people write is kept; agents do not answer, and that is said."""

from collections.abc import Mapping
from typing import Any

from freehold.runtime.base44 import accounts, conversation_lists, rows
from freehold.runtime.base44.context import SERVICE_OWNER, Context
from freehold.runtime.base44.http import Answer, Request, answer, detailed, encoded, plain
from freehold.runtime.base44.identity import Who, new_id

_PERSON = "user"
_ROLES = (_PERSON, "assistant", "system")
_KEPT = (
    "content", "file_urls", "custom_context", "additional_message_params", "hidden", "metadata", "reasoning",
    "tool_calls", "model", "usage",
)  # fmt: skip
NOT_RUN = "Agents do not answer here: the message is kept, and nobody answers it"


async def answer_conversations(context: Context, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
    """List, begin, read and continue one's own conversations; functions reach all."""
    person: Mapping[str, Any] = {"id": SERVICE_OWNER} if who.service else await accounts.current(context, who)
    if request.method == "GET" and not rest:
        (result,) = await context.run(who, [conversation_lists.statement(request, context.app.app_id)])
        return Answer(body=result.one()[0] or b"[]")
    if request.method == "POST" and not rest:
        return await _begin(context, who, person, await request.table())
    if request.method == "GET" and len(rest) == 1:
        return await _one(context, who, rest[0])
    if request.method == "POST" and len(rest) == 3 and (rest[0], rest[2]) == ("v2", "messages"):  # noqa: PLR2004
        return await _say(context, who, rest[1], await request.table())
    raise plain(404, "Not found")


async def _begin(context: Context, who: Who, person: Mapping[str, Any], body: Mapping[str, Any]) -> Answer:
    moment, metadata = rows.now(), body.get("metadata")
    texts = [new_id(), str(body.get("agent_name") or ""), person["id"], moment]
    given = [*(text.encode() for text in texts), encoded(metadata if isinstance(metadata, dict) else {})]
    sql = (
        "insert into base44.conversation (id, agent_name, created_by_id, created_date, updated_date, metadata)"
        f" values ($1, $2, $3, $4, $4, $5::jsonb) returning {_document(context)}"
    )
    (result,) = await context.run(who, [(sql, given)])
    return Answer(status=201, body=result.one()[0] or b"null")


async def _one(context: Context, who: Who, identity: str) -> Answer:
    sql = f"select {_document(context)} from base44.conversation where id = $1"
    (result,) = await context.run(who, [(sql, [identity.encode()])])
    if not result.rows:
        raise plain(404, "Conversation not found")
    return Answer(body=result.one()[0] or b"null")


async def _say(context: Context, who: Who, identity: str, body: Mapping[str, Any]) -> Answer:
    """Keep a message. Functions may speak for an agent; what a person writes is for an agent, and none answers."""
    role = body["role"] if who.service and body.get("role") in _ROLES else _PERSON
    moment = rows.now()
    told = {name: body[name] for name in _KEPT if name in body}
    message = told | {"id": new_id(), "role": role, "created_date": moment, "updated_date": moment}
    sql = (
        "update base44.conversation set messages = messages || jsonb_build_array($2::jsonb), updated_date = $3"
        " where id = $1 returning id"
    )
    (result,) = await context.run(who, [(sql, [identity.encode(), encoded(message), moment.encode()])])
    if not result.rows:
        raise plain(404, "Conversation not found")
    if role == _PERSON:
        raise detailed(501, NOT_RUN)
    return answer(message)


def _document(context: Context) -> str:
    return conversation_lists.document(context.app.app_id)
