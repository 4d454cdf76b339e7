"""Broadcasts of a topic from before a client came, as the database keeps them."""

from collections.abc import Iterable
from dataclasses import replace

from freehold.runtime.database import Pool
from freehold.runtime.realtime.frames import UserBroadcast
from freehold.runtime.realtime.joins import REPLAYED_AT_MOST, Join

_LOCAL_TIMES = ("select set_config('timezone', current_setting('log_timezone'), true)", ())
_EARLIER = "select id, event, payload from freehold_worker.replay($1, to_timestamp($2::float8 / 1000)::timestamp, $3)"


class Backlog:
    """Lets what is told live follow what is replayed, and each message come once.

    What SQL sends as a client joins comes on both ways: it is in the database by then, and the leader hands it on.
    """

    def __init__(self, *, wanted: bool) -> None:
        """Hold nothing back unless earlier messages are wanted."""
        self._known: frozenset[str] = frozenset()
        self._held: list[tuple[str | bytes, str]] | None = [] if wanted else None

    def passes(self, frame: str | bytes, message_id: str) -> bool:
        """Whether this may be sent now: it waits while earlier ones are read, and goes nowhere if it is one of them."""
        if self._held is not None:
            self._held.append((frame, message_id))
            return False
        return message_id not in self._known

    def opened(self, known: Iterable[str]) -> list[tuple[str | bytes, str]]:
        """Note what was there when earlier ones were read, and so is never told again; give what waited."""
        self._known = frozenset(known)
        held, self._held = self._held or [], None
        return held


async def earlier(pool: Pool, join: Join, since_ms: int) -> tuple[list[str], list[UserBroadcast]]:
    """Give the ids of those since a moment, and the newest of them, as many as the join wants, in order.

    More are known than told: one from before those that are told may still be on its way from the leader. Raises what
    the database raises.
    """
    values = (join.topic.encode(), b"%d" % since_ms, b"%d" % REPLAYED_AT_MOST)
    rows = (await pool.run([_LOCAL_TIMES, (_EARLIER, values)]))[1].rows
    found = {
        (number or b"").decode(): UserBroadcast((event or b"").decode(), payload or b"null")
        for number, event, payload in rows
    }
    told = [replace(sent, meta={"replayed": True, "id": number}) for number, sent in found.items()]
    return [*found], told[max(0, len(told) - join.replay_limit) :]
