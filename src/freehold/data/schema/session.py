"""A connection of the app's owner role on which the app's statements are tried one by one.

What a statement leaves behind in the session (role, settings, temporary tables) ends with its file. No statement can
lift its own time limit, nor keep the connection by ending it.
"""

import contextlib
from typing import Self

import psycopg
from psycopg.pq import TransactionStatus

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.data.schema.causes import Failure, failure
from freehold.kit import postgres

STATEMENT_SECONDS = 20
RECONNECTIONS = 20
_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s "
    "-c client_min_messages=error -c synchronous_commit=off"
)
_SETS_THINGS = frozenset({"variable_set", "select", "do", "call", ""})


class Session:
    """Opens a connection on first use; leaving the context ends it."""

    def __init__(self, dsn: Secret) -> None:
        """`dsn` is the owner role's."""
        self._dsn = Secret(postgres.with_defaults(dsn.reveal(), options=_OPTIONS))
        self._stack = contextlib.ExitStack()
        self._connection: postgres.Connection | None = None
        self._reconnections = 0

    def __enter__(self) -> Self:
        """Give the session itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._close()

    def reset(self) -> None:
        """Forget everything that statements have set."""
        self.run("discard all", kind="discard")

    def run(self, text: str, *, kind: str) -> Failure | None:
        """Run one statement in a transaction of its own. Raises DatabaseUnavailable when the server stays away."""
        connection = self._open()
        try:
            connection.execute(text.encode())
            if kind in _SETS_THINGS:
                connection.execute(f"set statement_timeout = '{STATEMENT_SECONDS}s'".encode())
        except psycopg.Error as error:
            if connection.closed or error.sqlstate is None:
                self._give_up()
            return failure(error.sqlstate, error.diag.message_primary or str(error).strip())
        finally:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("rollback")
        return None

    def _open(self) -> postgres.Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(postgres.connect(self._dsn))
            self._connection.prepare_threshold = None  # DISCARD ALL would take prepared statements away
        return self._connection

    def _close(self) -> None:
        self._stack.close()
        self._connection = None

    def _give_up(self) -> None:
        self._close()
        self._reconnections += 1
        if self._reconnections > RECONNECTIONS:
            raise DatabaseUnavailable(
                f"PostgreSQL ended the connection {RECONNECTIONS} times while the app's migrations ran",
                hint="look into PostgreSQL's log; a migration may end its own connection",
            )
