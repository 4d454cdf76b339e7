"""How often something may be tried. The counters are rows in PostgreSQL, so they hold over all workers and machines.

An e-mailed code has six digits: without a count per address it could be found by trying. Counts per client address
hold back one machine that tries many accounts; a process of this machine (server-side rendering) is not one client
and is not counted.
"""

import hashlib
import random
from dataclasses import dataclass

from freehold.runtime.auth.errors import ApiError, too_many_requests
from freehold.runtime.auth.http import Request
from freehold.runtime.auth.statements import statement
from freehold.runtime.database import Connection, Pool

CODE_ATTEMPTS = 10
PASSWORD_ATTEMPTS = 100
ADDRESS_WINDOW_SECONDS = 15 * 60
SWEEP_ONE_IN = 500


@dataclass(frozen=True, kw_only=True)
class Limit:
    """`most` attempts in `window_seconds` under one name."""

    name: str
    most: int
    window_seconds: int


CODES = Limit(name="code", most=CODE_ATTEMPTS, window_seconds=ADDRESS_WINDOW_SECONDS)
"""Wrong codes for one address: chance of a hit 10 in 1,000,000 per quarter of an hour."""
PASSWORDS = Limit(name="password", most=PASSWORD_ATTEMPTS, window_seconds=ADDRESS_WINDOW_SECONDS)
"""Wrong passwords for one address; high enough that a stranger hardly locks its owner out."""
SECOND_FACTORS = Limit(name="factor", most=CODE_ATTEMPTS, window_seconds=ADDRESS_WINDOW_SECONDS)
"""Wrong codes for one factor."""


async def count_client(pool: Pool, request: Request, limit: Limit) -> None:
    """Count a request of one client address; raises 429 above the limit."""
    if request.is_local:
        return
    results = await pool.run([statement("count_attempt", _key(limit, request.ip), limit.window_seconds)])
    if random.randrange(SWEEP_ONE_IN) == 0:  # noqa: S311 - when to clean up is no secret
        await pool.run([statement("sweep_attempts"), statement("sweep_flows")])
    if int(results[0].one()[0] or b"0") > limit.most:
        raise too_many_requests()


async def is_within(connection: Connection, limit: Limit, subject: str) -> bool:
    """Count within the caller's transaction: what is rolled back was not counted. Others with this key wait."""
    results = await connection.run([statement("count_attempt", _key(limit, subject), limit.window_seconds)])
    return int(results[0].one()[0] or b"0") <= limit.most


async def check(pool: Pool, limit: Limit, subject: str) -> None:
    """Raise 429 when this subject failed too often."""
    results = await pool.run([statement("attempts", _key(limit, subject))])
    if int(results[0].one()[0] or b"0") >= limit.most:
        raise too_many_requests()


async def reserve(pool: Pool, limit: Limit, subject: str) -> None:
    """Count an attempt before it is made, so that attempts side by side cannot slip by; raises 429 above the limit."""
    results = await pool.run([statement("count_attempt", _key(limit, subject), limit.window_seconds)])
    if int(results[0].one()[0] or b"0") > limit.most:
        raise too_many_requests()


async def forgive(pool: Pool, limit: Limit, subject: str) -> None:
    """Forget a subject's failures after a success."""
    await pool.run([statement("forget_attempts", _key(limit, subject))])


async def count_mail(connection: Connection, most: int | None) -> None:
    """Count a mail of this project within the transaction that sends it; raises 429 above the limit."""
    if most is None:
        return
    limit = Limit(name="mail", most=most, window_seconds=3600)
    results = await connection.run([statement("count_attempt", _key(limit, ""), limit.window_seconds)])
    if int(results[0].one()[0] or b"0") > most:
        raise ApiError(429, "over_email_send_rate_limit", "email rate limit exceeded")


def _key(limit: Limit, subject: str) -> str:
    return limit.name + ":" + hashlib.sha256(subject.encode()).hexdigest()
