"""What a client asks for when it joins a channel. Pure."""

import uuid
from dataclasses import dataclass
from typing import Any

from freehold.runtime.realtime import limits
from freehold.runtime.realtime.changes import bindings
from freehold.runtime.realtime.changes.bindings import Binding
from freehold.runtime.realtime.changes.filters import BadFilter
from freehold.runtime.realtime.presence import Room

PREFIX = "realtime:"
KEY_LIMIT = 255
REPLAYED_AT_MOST = 25


class BadJoin(Exception):
    """The join cannot be read; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Join:
    """One channel's configuration. `topic` is without the prefix."""

    topic: str
    private: bool
    broadcast_self: bool
    broadcast_ack: bool
    replay_since_ms: int | None
    replay_limit: int
    replication_ready: bool
    presence_key: str
    presence_enabled: bool
    wait_for_changes: bool
    bindings: tuple[Binding, ...]
    access_token: str

    @property
    def room(self) -> Room:
        """A private channel and a public one of the same name are two."""
        return self.private, self.topic


def read(topic: str, payload: dict[str, Any]) -> Join:
    """Read a join's payload; what is missing has Supabase's default. Raises BadJoin."""
    if not topic.startswith(PREFIX) or topic == PREFIX:
        raise BadJoin("unmatched topic")
    config = _object(payload.get("config"))
    broadcast, presence = _object(config.get("broadcast")), _object(config.get("presence"))
    replay = _object(broadcast.get("replay"))
    private = config.get("private") is True
    if replay and not private:
        raise BadJoin("UnableToReplayMessages: Replay is only allowed for private channels")
    return Join(
        topic=topic.removeprefix(PREFIX),
        private=private,
        broadcast_self=broadcast.get("self") is True,
        broadcast_ack=broadcast.get("ack") is True,
        replay_since_ms=_whole(replay.get("since")) if replay else None,
        replay_limit=min(_whole(replay.get("limit", REPLAYED_AT_MOST)), REPLAYED_AT_MOST) if replay else 0,
        replication_ready=broadcast.get("replication_ready") is True,
        presence_key=_key(presence.get("key")),
        presence_enabled=presence.get("enabled", True) is not False,
        wait_for_changes=_object(config.get("postgres_changes_options")).get("wait") is True,
        bindings=_bindings(config.get("postgres_changes")),
        access_token=_token(payload),
    )


def _bindings(asked: object) -> tuple[Binding, ...]:
    if asked is None:
        return ()
    if not isinstance(asked, list) or len(asked) > limits.BINDINGS_PER_CHANNEL:
        raise BadJoin(f"postgres_changes is a list of at most {limits.BINDINGS_PER_CHANNEL}")
    try:
        return tuple(bindings.read(one) for one in asked)
    except BadFilter as error:
        raise BadJoin(f"RealtimeDisabledForConfiguration: {error}") from error


def _token(payload: dict[str, Any]) -> str:
    """The user's token; a key of the new form names a role that the socket has already."""
    token = payload.get("access_token") or payload.get("user_token")
    return token if isinstance(token, str) and not token.startswith("sb_") else ""


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _key(value: object) -> str:
    if isinstance(value, str) and value:
        if len(value) > KEY_LIMIT:
            raise BadJoin("the presence key is too long")
        return value
    return str(uuid.uuid4())


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadJoin("UnableToReplayMessages: Replay params are not valid")
    return value
