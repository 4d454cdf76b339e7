"""Broadcasts of a topic from before a client came, as the database keeps them."""

from freehold.runtime.database import Pool
from freehold.runtime.realtime.frames import UserBroadcast
from freehold.runtime.realtime.joins import Join

_LOCAL_TIMES = ("select set_config('timezone', current_setting('log_timezone'), true)", ())
_EARLIER = "select id, event, payload from freehold_worker.replay($1, to_timestamp($2::float8 / 1000)::timestamp, $3)"


async def earlier(pool: Pool, join: Join, since_ms: int) -> list[UserBroadcast]:
    """Give those since a moment, no more than the join wants; raises what the database raises."""
    values = (join.topic.encode(), b"%d" % since_ms, b"%d" % join.replay_limit)
    rows = (await pool.run([_LOCAL_TIMES, (_EARLIER, values)]))[1].rows
    return [
        UserBroadcast(
            (event or b"").decode(), payload or b"null", meta={"replayed": True, "id": (number or b"").decode()}
        )
        for number, event, payload in rows
    ]
