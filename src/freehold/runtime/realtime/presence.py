"""Who is here: the union of what every worker process says of its own clients. Pure."""

import secrets
from dataclasses import dataclass
from typing import Any

Metas = dict[str, dict[str, list[dict[str, Any]]]]
Room = tuple[bool, str]
"""Whether the channel is private, and its topic without `realtime:`."""


@dataclass(slots=True)
class Presence:
    """One tracked client."""

    key: str
    meta: dict[str, Any]
    worker: str


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed in a room, in the client's form."""

    joins: Metas
    leaves: Metas

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.joins or self.leaves)


class Presences:
    """All rooms. A client is named by its worker's id and the channel's own number there."""

    def __init__(self) -> None:
        """Nobody is here."""
        self._rooms: dict[Room, dict[str, Presence]] = {}

    def state(self, room: Room) -> Metas:
        """Everybody in a room, by key."""
        return _by_key(list(self._rooms.get(room, {}).values()))

    def track(self, room: Room, client: str, key: str, payload: dict[str, Any], worker: str) -> Diff:
        """Let a client be here, or be here otherwise; `payload` may come with its phx_ref from another worker."""
        members = self._rooms.setdefault(room, {})
        before = members.get(client)
        meta = {**payload, "phx_ref": payload.get("phx_ref") or secrets.token_urlsafe(9)}
        if before is not None:
            if before.meta == meta:
                return Diff({}, {})
            meta["phx_ref_prev"] = before.meta["phx_ref"]
        members[client] = Presence(key, meta, worker)
        return Diff(_by_key([members[client]]), _by_key([before] if before else []))

    def untrack(self, room: Room, client: str) -> Diff:
        """Let a client be gone; one that was not here changes nothing."""
        members = self._rooms.get(room, {})
        gone = members.pop(client, None)
        if not members:
            self._rooms.pop(room, None)
        return Diff({}, _by_key([gone] if gone else []))

    def of_client(self, room: Room, client: str) -> Presence:
        """What one client that is here says of itself."""
        return self._rooms[room][client]

    def drop_worker(self, worker: str) -> list[tuple[Room, Diff]]:
        """Let all clients of a worker that ended be gone."""
        changes = []
        for room, members in list(self._rooms.items()):
            gone = [client for client, presence in members.items() if presence.worker == worker]
            leaves = [members.pop(client) for client in gone]
            if not members:
                del self._rooms[room]
            if leaves:
                changes.append((room, Diff({}, _by_key(leaves))))
        return changes

    def workers(self) -> set[str]:
        """Ids of the workers whose clients are here."""
        return {presence.worker for members in self._rooms.values() for presence in members.values()}

    def of_worker(self, worker: str) -> list[dict[str, Any]]:
        """Everybody of one worker, as `track` takes them."""
        return [
            {"private": room[0], "topic": room[1], "client": client, "key": presence.key, "payload": presence.meta}
            for room, members in self._rooms.items()
            for client, presence in members.items()
            if presence.worker == worker
        ]


def _by_key(presences: list[Presence]) -> Metas:
    keys: Metas = {}
    for presence in presences:
        keys.setdefault(presence.key, {"metas": []})["metas"].append(presence.meta)
    return keys
