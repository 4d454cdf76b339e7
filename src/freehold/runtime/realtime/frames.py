"""Phoenix frames, protocol 1.0.0 (JSON objects) and 2.0.0 (JSON arrays and two binary kinds). Pure."""

from dataclasses import dataclass, field
from typing import Any

import orjson

VERSIONS = ("1.0.0", "2.0.0")
FRAME_LIMIT_BYTES = 5_000_000
FIELD_LIMIT_BYTES = 255
USER_BROADCAST_PUSH = 3
USER_BROADCAST = 4
BINARY, JSON = 0, 1
_PUSH_HEADER_BYTES = 7


class BadFrame(Exception):
    """A frame that no client of ours sends; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class UserBroadcast:
    """An event for everybody on a channel. `content` is JSON text, or bytes as they were sent."""

    event: str
    content: bytes
    is_json: bool = True
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Push:
    """What a client said. `broadcast` is set for binary frames instead of `payload`."""

    topic: str
    event: str
    payload: dict[str, Any]
    ref: str | None
    join_ref: str | None
    broadcast: UserBroadcast | None = None

    def said(self) -> UserBroadcast:
        """The broadcast of an event of that name, however it was framed."""
        if self.broadcast is not None:
            return self.broadcast
        return UserBroadcast(str(self.payload.get("event", "")), orjson.dumps(self.payload.get("payload")))


def read(frame: str | bytes, version: str) -> Push:
    """Read a client's frame; raises BadFrame."""
    if len(frame) > FRAME_LIMIT_BYTES:
        raise BadFrame("the frame is too long")
    if isinstance(frame, bytes):
        if version != "2.0.0":
            raise BadFrame("binary frames belong to protocol 2.0.0")
        return _read_binary(frame)
    try:
        value = orjson.loads(frame)
    except ValueError as error:
        raise BadFrame("the frame is no JSON") from error
    return _read_text(value, version)


def _read_text(value: object, version: str) -> Push:
    if version == "2.0.0":
        if not isinstance(value, list) or len(value) != 5:  # noqa: PLR2004 - join_ref, ref, topic, event, payload
            raise BadFrame("a frame of protocol 2.0.0 is an array of five")
        join_ref, ref, topic, event, payload = value
    else:
        if not isinstance(value, dict):
            raise BadFrame("a frame of protocol 1.0.0 is an object")
        topic, event, payload = value.get("topic"), value.get("event"), value.get("payload")
        ref, join_ref = value.get("ref"), value.get("join_ref")
    if not isinstance(topic, str) or not isinstance(event, str):
        raise BadFrame("topic and event must be texts")
    for text in (topic, event, ref, join_ref):
        if text is not None and (not isinstance(text, str | int) or len(str(text).encode()) > FIELD_LIMIT_BYTES):
            raise BadFrame("topic, event and refs have at most 255 bytes")
    return Push(topic, event, payload if isinstance(payload, dict) else {}, _text(ref), _text(join_ref))


def _text(ref: object) -> str | None:
    return None if ref is None else str(ref)


def _read_binary(frame: bytes) -> Push:
    if len(frame) < _PUSH_HEADER_BYTES or frame[0] != USER_BROADCAST_PUSH:
        raise BadFrame("the only binary frame that clients send is a broadcast")
    sizes, encoding = frame[1:6], frame[6]
    if encoding not in (BINARY, JSON) or len(frame) < _PUSH_HEADER_BYTES + sum(sizes):
        raise BadFrame("the frame ends too early")
    parts, at = [], _PUSH_HEADER_BYTES
    try:
        for size in sizes:
            parts.append(frame[at : at + size].decode())
            at += size
        meta = orjson.loads(parts[4]) if parts[4] else {}
    except ValueError as error:
        raise BadFrame("the frame's header is not readable") from error
    join_ref, ref, topic, event, _ = parts
    content = frame[at:]
    if encoding == JSON and not is_json(content):
        raise BadFrame("the payload is no JSON")
    broadcast = UserBroadcast(event, content, encoding == JSON, meta if isinstance(meta, dict) else {})
    return Push(topic, "broadcast", {}, ref or None, join_ref or None, broadcast)


def is_json(content: bytes) -> bool:
    """Say whether this is JSON: what is passed on unread must not break another client."""
    try:
        orjson.loads(content)
    except ValueError:
        return False
    return True


def message(  # noqa: PLR0913 - the five parts of a frame, and its form
    version: str, topic: str, event: str, payload: object, *, ref: str | None = None, join_ref: str | None = None
) -> str:
    """Write a text frame."""
    if version == "2.0.0":
        return orjson.dumps([join_ref, ref, topic, event, payload]).decode()
    whole = {"topic": topic, "event": event, "payload": payload, "ref": ref}
    return orjson.dumps(whole | ({"join_ref": join_ref} if join_ref else {})).decode()


def broadcast(version: str, topic: str, sent: UserBroadcast) -> str | bytes | None:
    """Write a broadcast: kind 4 in protocol 2.0.0 where its header fits, else text; None for bytes there."""
    if version == "2.0.0":
        meta = orjson.dumps(sent.meta) if sent.meta else b""
        header = [topic.encode(), sent.event.encode(), meta]
        if all(len(part) <= FIELD_LIMIT_BYTES for part in header):
            sizes = bytes([USER_BROADCAST, *map(len, header), JSON if sent.is_json else BINARY])
            return sizes + b"".join(header) + sent.content
    if not sent.is_json:
        return None
    payload = {"type": "broadcast", "event": sent.event, "payload": orjson.Fragment(sent.content)}
    return message(version, topic, "broadcast", payload | ({"meta": sent.meta} if sent.meta else {}))
