"""/apps/{id}/agents/conversations: what people write is kept; agents do not answer yet, and that is said."""

from collections.abc import Mapping
from typing import Any

import orjson

from freehold.runtime.base44 import accounts, rows
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Answer, Request, detailed, plain
from freehold.runtime.base44.identity import Who, new_id

_COLUMNS = (
    "jsonb_build_object('id', id, 'agent_name', agent_name, 'created_by_id', created_by_id, 'created_date',"
    " created_date, 'updated_date', updated_date, 'messages', messages, 'metadata', metadata)"
)
NOT_RUN = "This agent does not run here yet: the message is kept, and nobody answers it"


async def answer_conversations(context: Context, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
    """List, begin, read and continue one's own conversations."""
    person = await accounts.current(context, who)
    if request.method == "GET" and not rest:
        sql = f"select coalesce(jsonb_agg({_COLUMNS} order by updated_date desc), '[]') from base44.conversation"
        (result,) = await context.run(who, [(sql, ())])
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
    given = [*(text.encode() for text in texts), orjson.dumps(metadata if isinstance(metadata, dict) else {})]
    sql = (
        "insert into base44.conversation (id, agent_name, created_by_id, created_date, updated_date, metadata)"
        f" values ($1, $2, $3, $4, $4, $5::jsonb) returning {_COLUMNS}"
    )
    (result,) = await context.run(who, [(sql, given)])
    return Answer(status=201, body=result.one()[0] or b"null")


async def _one(context: Context, who: Who, identity: str) -> Answer:
    sql = f"select {_COLUMNS} from base44.conversation where id = $1"
    (result,) = await context.run(who, [(sql, [identity.encode()])])
    if not result.rows:
        raise plain(404, "Conversation not found")
    return Answer(body=result.one()[0] or b"null")


async def _say(context: Context, who: Who, identity: str, body: Mapping[str, Any]) -> Answer:
    message = {"id": new_id(), "role": "user", "content": body.get("content"), "created_date": rows.now()}
    sql = (
        "update base44.conversation set messages = messages || jsonb_build_array($2::jsonb), updated_date = $3"
        " where id = $1 returning id"
    )
    given = [identity.encode(), orjson.dumps(message), rows.now().encode()]
    (result,) = await context.run(who, [(sql, given)])
    if not result.rows:
        raise plain(404, "Conversation not found")
    raise detailed(501, NOT_RUN)
