"""Connect to a source by the address that its owner has: which may lead to a pooler, or to a host of IPv6 only."""

import contextlib
import re
from collections.abc import Iterator

import psycopg

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.kit import postgres

OPTIONS = (
    "-c row_security=off -c statement_timeout=0 -c lock_timeout=60s -c idle_in_transaction_session_timeout=0 "
    "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex "
    "-c search_path="
)
"""The same at both ends, so that equal rows have equal texts; and a query that row security would cut fails."""
STILL_THERE = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""A line that is cut without a word is noticed within a minute; PostgreSQL's own default is the system's two hours."""
_DIRECT = re.compile(r"^db\.[a-z0-9]{20}\.supabase\.co$")
_SESSION_POOLER = "the session pooler's (Supabase: Connect, Session pooler, port 5432)"
_POOLER = "give the database's own address, not a transaction pooler's: the direct one, or " + _SESSION_POOLER


@contextlib.contextmanager
def connected(dsn: Secret) -> Iterator[postgres.Connection]:
    """Connect with the settings that a copy needs; raises DatabaseUnavailable, also where a pooler drops them."""
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(postgres.connect(_with_options(dsn)))
        except DatabaseUnavailable as error:
            raise DatabaseUnavailable(error.message, detail=error.detail, hint=_hint(dsn, error)) from None
        row = connection.execute("select current_setting('row_security'), current_setting('search_path')").fetchone()
        if row != ("off", ""):
            raise DatabaseUnavailable(
                f"{postgres.describe(dsn)} is a pooler that drops the settings of a session",
                detail="without them row security may hide rows, and values are written in other forms",
                hint=_POOLER,
            )
        yield connection


def _with_options(dsn: Secret) -> Secret:
    """An address may have options of its own: some hosts find the database by them."""
    try:
        given = postgres.parameters(dsn)
    except psycopg.ProgrammingError:
        return dsn  # `connect` says what is wrong with it
    own = given.get("options", "")
    return Secret(postgres.compose({**STILL_THERE, **given, "options": f"{own} {OPTIONS}".strip()}))


def _hint(dsn: Secret, error: DatabaseUnavailable) -> str:
    host = postgres.describe(dsn).partition(":")[0]
    if "unsupported startup parameter" in error.detail:
        return _POOLER
    if _DIRECT.match(host):
        return f"where this network has no IPv6, the direct address is out of reach: give {_SESSION_POOLER}"
    return error.hint
