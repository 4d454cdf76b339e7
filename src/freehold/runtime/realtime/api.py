"""Broadcasts over HTTP: POST /api/broadcast, and /api/broadcast/<topic>/events/<event>."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.realtime import authorise, limits
from freehold.runtime.realtime.frames import UserBroadcast, is_json
from freehold.runtime.realtime.hub import Hub
from freehold.runtime.services import Receive, Scope, Send
from freehold.runtime.session import Caller, Refused, Sessions

BODY_LIMIT_BYTES = 3_500_000
MESSAGES_LIMIT = 100
_ONE = re.compile(r"/api/broadcast/([^/]+)/events/([^/]+)")


class _Answer(Exception):
    """A refusal with its status."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


async def answer(hub: Hub, sessions: Sessions, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request below /realtime/v1."""
    try:
        caller = _caller(sessions, scope)
        for private, topic, sent in await _messages(scope, receive):
            if not private or await _may(hub, caller, topic, scope):
                hub.broadcast((private, topic), sent, None)
        await _send(send, 202, b"")
    except _Answer as refused:
        await _send(send, refused.status, orjson.dumps(refused.body))


def _caller(sessions: Sessions, scope: Scope) -> Caller:
    try:
        return sessions.identify(scope["headers"])
    except Refused as refused:
        raise _Answer(401, {"error": refused.reason, "message": refused.reason}) from refused


async def _may(hub: Hub, caller: Caller, topic: str, scope: Scope) -> bool:
    """A private message that the caller may not write is left out without a word, as Supabase does."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    for name in ("authorization", "apikey", "cookie"):
        headers.pop(name, None)
    try:
        return await authorise.may_write(hub.pool, caller, topic, "broadcast", headers)
    except DatabaseError:
        return False
    except (ConnectionLost, PoolExhausted, TimeoutError) as error:
        raise _Answer(503, {"error": "the database cannot be reached"}) from error


async def _messages(scope: Scope, receive: Receive) -> list[tuple[bool, str, UserBroadcast]]:
    # The raw path, because a topic may hold an encoded slash.
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    one = _ONE.fullmatch(raw)
    if raw != "/api/broadcast" and one is None:
        raise _Answer(404, {"error": "not found"})
    if scope["method"] != "POST":
        raise _Answer(405, {"error": "method not allowed"})
    body = await _body(receive)
    return _many(body) if one is None else [_single(one, body, scope)]


def _single(found: re.Match[str], body: bytes, scope: Scope) -> tuple[bool, str, UserBroadcast]:
    topic, event = unquote(found[1]), unquote(found[2])
    private = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("private", [""])[-1] == "true"
    content_type = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].strip()
    if content_type == b"application/octet-stream":
        return private, topic, UserBroadcast(event, body, is_json=False)
    if not is_json(body):
        raise _Answer(422, {"errors": {"payload": ["is invalid"]}, "message": "the body is no JSON"})
    return private, topic, UserBroadcast(event, body)


def _many(body: bytes) -> list[tuple[bool, str, UserBroadcast]]:
    try:
        messages = orjson.loads(body)["messages"]
    except (ValueError, TypeError, KeyError) as error:
        raise _Answer(422, {"errors": {"messages": ["can't be blank"]}}) from error
    if not isinstance(messages, list) or not messages:
        raise _Answer(422, {"errors": {"messages": ["can't be blank"]}})
    if len(messages) > MESSAGES_LIMIT:
        raise _Answer(429, {"error": "Too many messages to broadcast, please reduce the batch size"})
    problems = [_problems(message) for message in messages]
    if any(problems):
        raise _Answer(422, {"errors": {"messages": problems}})
    return [
        (one.get("private") is True, one["topic"], UserBroadcast(one["event"], orjson.dumps(one["payload"])))
        for one in messages
    ]


def _problems(message: object) -> dict[str, list[str]]:
    if not isinstance(message, dict):
        return {"message": ["is invalid"]}
    found = {name: ["can't be blank"] for name in ("topic", "event") if not isinstance(message.get(name), str)}
    if "payload" not in message or message["payload"] is None:
        found["payload"] = ["can't be blank"]
    elif len(orjson.dumps(message["payload"])) > limits.BROADCAST_LIMIT_BYTES:
        found["payload"] = ["Payload size exceeds tenant limit"]
    return found


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Answer(400, {"error": "the request ended early"})
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT_BYTES:
            raise _Answer(413, {"error": "Payload is too large"})
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
