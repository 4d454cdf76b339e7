"""Broadcasts of a topic from before a client came, as the database keeps them."""

from collections.abc import Iterable

from freehold.runtime.database import Pool
from freehold.runtime.realtime.frames import UserBroadcast
from freehold.runtime.realtime.joins import Join

_LOCAL_TIMES = ("select set_config('timezone', current_setting('log_timezone'), true)", ())
_EARLIER = "select id, event, payload from freehold_worker.replay($1, to_timestamp($2::float8 / 1000)::timestamp, $3)"


class Backlog:
    """Lets what is told live follow what is replayed, and each message come once.

    What SQL sends as a client joins comes on both ways: it is in the database by then, and the leader hands it on.
    """

    def __init__(self, *, wanted: bool) -> None:
        """Hold nothing back unless earlier messages are wanted."""
        self._told: frozenset[str] = frozenset()
        self._held: list[tuple[str | bytes, str]] | None = [] if wanted else None

    def passes(self, frame: str | bytes, message_id: str) -> bool:
        """Whether this may be sent now: it waits while earlier ones are read, and goes nowhere if it was among them."""
        if self._held is not None:
            self._held.append((frame, message_id))
            return False
        return message_id not in self._told

    def told(self, ids: Iterable[str]) -> list[tuple[str | bytes, str]]:
        """Note what was replayed; give what waited."""
        self._told = frozenset(ids)
        held, self._held = self._held or [], None
        return held


async def earlier(pool: Pool, join: Join, since_ms: int) -> dict[str, UserBroadcast]:
    """Give those since a moment by their ids, in order, as many as the join wants; raises what the database raises."""
    values = (join.topic.encode(), b"%d" % since_ms, b"%d" % join.replay_limit)
    rows = (await pool.run([_LOCAL_TIMES, (_EARLIER, values)]))[1].rows
    found = {}
    for number, event, payload in rows:
        message_id = (number or b"").decode()
        meta = {"replayed": True, "id": message_id}
        found[message_id] = UserBroadcast((event or b"").decode(), payload or b"null", meta=meta)
    return found
