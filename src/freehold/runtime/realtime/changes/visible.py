"""Which rows each of many callers may see: asked of PostgreSQL under each one's own role and claims, many at once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.runtime.database import DatabaseError, Pool, Statement, caller_statement
from freehold.runtime.realtime.changes.catalog import Table, array, identifier
from freehold.runtime.realtime.changes.pgoutput import Tuple

CALLERS_A_ROUND_TRIP = 100
POLICY_TIMEOUT = b"3s"
_TIMEOUT: Statement = ("select set_config('statement_timeout', $1, true)", (POLICY_TIMEOUT,))
_log = logging.getLogger("freehold.realtime")

Identity = tuple[str, str]
"""Role, and claims as JSON."""


@dataclass(frozen=True, slots=True)
class Question:
    """May this caller see these rows of this table? `rows` are numbers in a list of changes, with their values."""

    identity: Identity
    table: Table
    rows: tuple[tuple[int, Tuple], ...]


async def visible(pool: Pool, questions: Sequence[Question]) -> set[tuple[Identity, int]]:
    """Give the pairs of caller and row number that may be told. A caller whose policies fail may see nothing."""
    seen: set[tuple[Identity, int]] = set()
    for start in range(0, len(questions), CALLERS_A_ROUND_TRIP):
        seen |= await _ask(pool, questions[start : start + CALLERS_A_ROUND_TRIP])
    return seen


async def _ask(pool: Pool, questions: Sequence[Question]) -> set[tuple[Identity, int]]:
    """One round trip; when one of the callers' policies raises, the halves are asked apart."""
    statements: list[Statement] = [_TIMEOUT]
    for question in questions:
        statements += [caller_statement(*question.identity), _statement(question)]
    try:
        results = await pool.run(statements)
    except DatabaseError as error:
        if len(questions) == 1:
            table = questions[0].table
            _log.warning("row security of %s.%s failed for a subscriber: %s", table.schema, table.name, error)
            return set()
        middle = len(questions) // 2
        return await _ask(pool, questions[:middle]) | await _ask(pool, questions[middle:])
    return {
        (question.identity, question.rows[int(place or 1) - 1][0])
        for question, result in zip(questions, results[2::2], strict=True)
        for (place,) in result.rows
    }


def _statement(question: Question) -> Statement:
    """Ask which of the rows are there, found by the primary key, for whoever the session is."""
    table, keys = question.table, question.table.keys
    names = ", ".join(f"k{place}" for place in range(len(keys)))
    lists = ", ".join(f"${place + 1}::text[]" for place in range(len(keys)))
    same = " and ".join(f"t.{identifier(key.name)} = k{place}::{key.sql_type}" for place, key in enumerate(keys))
    sql = (
        f"select n from unnest({lists}) with ordinality as wanted ({names}, n) where exists"  # noqa: S608 - all quoted
        f" (select from {identifier(table.schema)}.{identifier(table.name)} as t where {same})"
    )
    return sql, [array(row.get(key.name) for _, row in question.rows) for key in keys]
