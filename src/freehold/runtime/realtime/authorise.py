"""Private channels: what the app's policies on realtime.messages let a caller read and write, tried and rolled back."""

import uuid
from dataclasses import dataclass

import orjson

from freehold.runtime.database import DatabaseError, Pool, Result, Statement, caller_statement
from freehold.runtime.realtime.changes.catalog import array
from freehold.runtime.session import Caller

DENIED = frozenset({"42501", "P0001", "22023"})


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be received on a channel."""

    broadcast: bool
    presence: bool


EVERYTHING = Rights(broadcast=True, presence=True)


async def may_read(pool: Pool, caller: Caller, topic: str, headers: dict[str, str]) -> Rights:
    """Ask which of two rows, made for this only, the caller may see. Raises DatabaseError when a policy fails."""
    probes = {str(uuid.uuid4()): "broadcast", str(uuid.uuid4()): "presence"}
    broadcast, presence = probes
    place = "select freehold_worker.place_probes($1, $2::uuid, $3::uuid)"
    look = "select id::text from realtime.messages where id = any ($1::text[]::uuid[])"
    statements: list[Statement] = [
        ("begin", ()),
        (place, (topic.encode(), broadcast.encode(), presence.encode())),
        *_as_caller(caller, topic, headers),
        (look, (array(probes),)),
        ("rollback", ()),
    ]
    rows = (await _rolled_back(pool, statements))[-2].rows
    seen = {probes[(number or b"").decode()] for (number,) in rows}
    return Rights(broadcast="broadcast" in seen, presence="presence" in seen)


async def may_write(pool: Pool, caller: Caller, topic: str, extension: str, headers: dict[str, str]) -> bool:
    """Ask whether the caller may insert a row of this extension: broadcast or presence."""
    insert = "insert into realtime.messages (topic, extension, private) values ($1, $2, true)"
    statements: list[Statement] = [
        ("begin", ()),
        *_as_caller(caller, topic, headers),
        (insert, (topic.encode(), extension.encode())),
        ("rollback", ()),
    ]
    try:
        await _rolled_back(pool, statements)
    except DatabaseError as error:
        if error.sqlstate in DENIED:
            return False
        raise
    return True


async def _rolled_back(pool: Pool, statements: list[Statement]) -> list[Result]:
    """Run a transaction that ends in a rollback; after an error the connection is given back clean."""
    async with pool.connection() as connection:
        try:
            return await connection.run(statements)
        except DatabaseError:
            await connection.run([("rollback", ())])
            raise


def _as_caller(caller: Caller, topic: str, headers: dict[str, str]) -> list[Statement]:
    sql = (
        "select set_config('realtime.topic', $1, true), set_config('request.jwt.claim.sub', $2, true),"
        " set_config('request.jwt.claim.role', $3, true), set_config('request.headers', $4, true)"
    )
    subject = caller.user_id or ""
    values = (topic.encode(), subject.encode(), caller.role.encode(), orjson.dumps(headers))
    return [(sql, values), caller_statement(caller.role, caller.claims_json)]
