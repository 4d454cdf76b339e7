"""The database's part of a request: variables, pre-request function, main statement, in one round trip where possible.

What is sent up to a Sync is one implicit transaction. BEGIN is used where commit depends on the result, where the
request is rolled back, and where another isolation level is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import orjson

from freehold.runtime.database import Connection, DatabaseError, Pool, Result, Statement
from freehold.runtime.rest import errors
from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.compiled import CALL, PUT, Compiled, bind
from freehold.runtime.rest.request import Head
from freehold.runtime.rest.settings import RestSettings
from freehold.runtime.rest.sql.snippet import identifier, qualified
from freehold.runtime.session import Caller

READ_COMMITTED = "read committed"
ISOLATIONS = frozenset({"serializable", "repeatable read"})
_ROLLBACK: Statement = ("ROLLBACK", ())
_COMMIT: Statement = ("COMMIT", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    """What `alter role ... set` says for the roles that the login role may become."""

    settings: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    isolation: dict[str, str] = field(default_factory=dict)


class Outcome(NamedTuple):
    """The main statement's only row."""

    total: int | None
    """Rows without limits, None when they were not counted."""
    rows: int
    body: bytes
    response_headers: bytes | None
    response_status: bytes | None
    inserted: int | None
    location: bytes


EMPTY = Outcome(None, 0, b"", None, None, None, b"")


class Request(NamedTuple):
    """What runs: a plan with one request's values, body and caller."""

    compiled: Compiled
    head: Head
    caller: Caller
    values: Sequence[str]
    body: bytes


async def run(pool: Pool, request: Request, settings: RestSettings, roles: RoleSettings) -> Outcome:
    """Run a request; raises ApiError, DatabaseError, ConnectionLost or PoolExhausted. What fails is rolled back."""
    compiled = request.compiled
    statements = [
        variables(request.head, request.caller, compiled.schema, settings, roles, request=compiled),
        *pre_request(settings),
        bind(compiled.statement, request.values, request.body),
    ]
    main = len(statements) - 1
    if compiled.explain is not None:
        statements.append(bind(compiled.explain, request.values, request.body))
    isolation = _isolation(request, roles)
    checked = compiled.has_checks and not compiled.read_only
    if not compiled.rolls_back and not checked and isolation == READ_COMMITTED:
        results = await pool.run(statements, role=request.caller.role)
        return _checked(compiled, _outcome(compiled, results, main))
    begin: Statement = (f"BEGIN ISOLATION LEVEL {isolation} {'READ ONLY' if compiled.read_only else 'READ WRITE'}", ())
    async with pool.connection() as connection:
        return await _in_block(connection, request, [begin, *statements], main + 1, checked=checked)


def variables(  # noqa: PLR0913 - the request's parts that become settings
    head: Head, caller: Caller, schema: str, settings: RestSettings, roles: RoleSettings, *,
    request: Compiled | None = None,
) -> Statement:  # fmt: skip
    """The statement that makes the rest of the transaction run as the caller (PostgREST's "Transactions")."""
    # Role settings come before the role: they may need a privilege that only the login role has.
    dynamic_before = roles.settings.get(caller.role, ())
    dynamic_after = settings.app_settings
    if request is not None:
        dynamic_after = request.settings + dynamic_after
        if request.preferences.timezone:
            dynamic_after = (("timezone", request.preferences.timezone), *dynamic_after)
    shape = (len(dynamic_before), len(dynamic_after), request is None or request.read_only)
    values = [
        _search_path(schema, settings.db_extra_search_path), *_texts(dynamic_before), caller.role.encode(),
        caller.claims_json.encode(), head.method.encode(), head.path.encode(), head.fields.as_json,
        head.fields.cookies_as_json, *_texts(dynamic_after),
    ]  # fmt: skip
    return _VARIABLES.get(shape) or _variables_sql(*shape), values


@lru_cache(maxsize=100)
def _texts(pairs: tuple[tuple[str, str], ...]) -> tuple[bytes, ...]:
    return tuple(text.encode() for pair in pairs for text in pair)


@lru_cache(maxsize=100)
def _search_path(schema: str, extra: tuple[str, ...]) -> bytes:
    return ", ".join(identifier(name) for name in (schema, *extra)).encode()


def pre_request(settings: RestSettings) -> list[Statement]:
    """The call of the function that looks at every request first, if there is one."""
    if not settings.db_pre_request:
        return []
    *schema, name = settings.db_pre_request
    return [(f"select {qualified(Name(schema[0] if schema else '', name))}()", ())]


async def _in_block(
    connection: Connection, request: Request, statements: list[Statement], main: int, *, checked: bool
) -> Outcome:
    """Run inside BEGIN; the end is sent along unless the result decides about it."""
    compiled = request.compiled
    if compiled.rolls_back:
        # Deferred constraints speak up now, as they would at commit.
        statements = [*statements, ("SET CONSTRAINTS ALL IMMEDIATE", ()), _ROLLBACK]
    elif not checked:
        statements = [*statements, _COMMIT]
    try:
        results = await connection.run(statements, role=request.caller.role)
        outcome = _checked(compiled, _outcome(compiled, results, main))
        if checked and not compiled.rolls_back:
            await connection.run([_COMMIT])
    except (errors.ApiError, DatabaseError):
        if connection.usable and not connection.idle:
            await connection.run([_ROLLBACK])
        raise
    return outcome


def _isolation(request: Request, roles: RoleSettings) -> str:
    wanted = request.compiled.isolation or roles.isolation.get(request.caller.role, "")
    if not wanted:
        return READ_COMMITTED
    wanted = wanted.strip("'\"").lower()
    return wanted if wanted in ISOLATIONS else READ_COMMITTED


def _outcome(compiled: Compiled, results: list[Result], main: int) -> Outcome:
    rows = results[main].rows
    if compiled.media_type.is_plan:
        return EMPTY._replace(body=b"".join((row[0] or b"") + b"\n" for row in rows))
    if not rows:
        return EMPTY._replace(total=0 if compiled.kind == CALL else None)
    total, count, body, response_headers, response_status, inserted, *location = rows[0]
    if compiled.is_binary and body:
        body = bytes.fromhex(body[2:].decode())
    outcome = Outcome(
        int(total) if total else None, int(count or 0), body or b"", response_headers, response_status,
        int(inserted) if inserted else None, (location[0] if location else None) or b"",
    )  # fmt: skip
    if compiled.explain is None:
        return outcome
    return outcome._replace(total=_estimated(compiled, outcome.total, results[main + 1]))


def _estimated(compiled: Compiled, counted: int | None, explained: Result) -> int | None:
    planned = int(orjson.loads(explained.one()[0] or b"[]")[0]["Plan"]["Plan Rows"])
    if counted is None:
        return planned
    # Without a cap on rows the estimate always counts, as in PostgREST.
    if compiled.max_rows is None or counted > compiled.max_rows:
        return max(counted, planned)
    return counted


def _checked(compiled: Compiled, outcome: Outcome) -> Outcome:
    """Refuse a result that the client did not want; raises ApiError PGRST115, PGRST116 or PGRST124."""
    if compiled.media_type.is_plan:
        return outcome
    if compiled.kind == PUT and outcome.rows != 1:
        raise errors.put_key_mismatch()
    if compiled.is_singular and outcome.rows != 1:
        raise errors.not_singular(outcome.rows)
    if compiled.limit_affected is not None and outcome.rows > compiled.limit_affected:
        raise errors.too_many_affected(outcome.rows)
    return outcome


_VARIABLES: dict[tuple[int, int, bool], str] = {}
_FIXED = ("role", "request.jwt.claims", "request.method", "request.path", "request.headers", "request.cookies")


def _variables_sql(before: int, after: int, read_only: bool) -> str:
    parts = ["set_config('search_path', $1, true)"]
    number = 1
    for _ in range(before):
        parts.append(f"set_config(${number + 1}, ${number + 2}, true)")
        number += 2
    for name in _FIXED:
        number += 1
        parts.append(f"set_config('{name}', ${number}, true)")
    for _ in range(after):
        parts.append(f"set_config(${number + 1}, ${number + 2}, true)")
        number += 2
    if read_only:
        parts.append("set_config('transaction_read_only', 'on', true)")
    # One number instead of all values: nobody reads them, and the headers alone are a kilobyte.
    sql = f"select num_nulls({', '.join(parts)})"
    _VARIABLES[before, after, read_only] = sql
    return sql
