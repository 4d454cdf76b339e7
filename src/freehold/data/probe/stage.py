"""One transaction that is never committed, in which others act and the owner looks at what they did."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from freehold.kit import postgres

ACT_SECONDS = 3
FORGED = {
    "role": "admin",
    "user_role": "admin",
    "is_admin": True,
    "isAdmin": True,
    "admin": True,
    "roles": ["admin"],
    "is_super_admin": True,
}
"""What a person can write into their own user_metadata with one call of supabase.auth.updateUser."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user who is planted; every text that belongs to them holds `mark`."""

    id: str
    mark: str

    @property
    def email(self) -> str:
        """The user's own address."""
        return f"{self.mark}@probe.invalid"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts; `claims` is empty for a request without any."""

    name: str
    role: str
    claims: dict[str, Any] = field(default_factory=dict)

    def setting(self) -> str:
        """Give the statements by which the API would become this actor."""
        claims = json.dumps(self.claims) if self.claims else ""
        return (
            f"set local role {self.role}; "
            f"select set_config('request.jwt.claims', {_quoted(claims)}, true), "
            f"set_config('request.jwt.claim.sub', {_quoted(str(self.claims.get('sub', '')))}, true), "
            f"set_config('request.jwt.claim.role', {_quoted(str(self.claims.get('role', '')))}, true)"
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an act ended. `seen` is what the owner found afterwards, None when there was nothing to look at."""

    sqlstate: str = ""
    message: str = ""
    detail: str = ""
    rows: tuple[tuple[Any, ...], ...] = ()
    count: int = 0
    seen: Any = None

    @property
    def worked(self) -> bool:
        """Whether PostgreSQL refused nothing."""
        return not self.sqlstate


class Lost(Exception):
    """The connection ended while something was tried."""


class Stage:
    """`a` acts, `b` is the other whose rows are at stake, `c` is a third where a row needs two people."""

    def __init__(self, connection: postgres.Connection, owner: str) -> None:
        """The connection is the probe's own login, inside a transaction that the caller rolls back."""
        self.connection = connection
        self.owner = owner
        self.timed_out: list[str] = []
        self.a = User(id=str(uuid.uuid4()), mark="freehold-a")
        self.b = User(id=str(uuid.uuid4()), mark="freehold-b")
        self.c = User(id=str(uuid.uuid4()), mark="freehold-c")

    def other(self, *, forged: bool = False) -> Actor:
        """User A, as signed in; `forged` with what A may write into A's own metadata."""
        claims = {
            "sub": self.a.id,
            "role": "authenticated",
            "aud": "authenticated",
            "email": self.a.email,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": FORGED if forged else {"full_name": self.a.mark},
            "is_anonymous": False,
        }
        return Actor(name="other with forged metadata" if forged else "other", role="authenticated", claims=claims)

    def attempt(self, actor: Actor, statement: str, *, look: str = "", before: str = "") -> Outcome:
        """Let the actor try one statement, look at it as the owner, and take everything back.

        `before` is run as the probe's login first. Raises Lost when the connection ends.
        """
        first = f"savepoint act; {before}; {actor.setting()}; set local statement_timeout = '{ACT_SECONDS}s'; "
        try:
            cursor = self.connection.execute((first + statement).encode())
            while cursor.nextset():
                pass
            rows = tuple(cursor.fetchall()) if cursor.description else ()
            return Outcome(rows=rows, count=cursor.rowcount, seen=self._look(look))
        except psycopg.Error as error:
            if self.connection.closed:
                raise Lost from None
            diagnostics = error.diag
            return Outcome(
                sqlstate=error.sqlstate or "XX000",
                message=diagnostics.message_primary or "",
                detail=diagnostics.message_detail or "",
            )
        finally:
            if not self.connection.closed:
                self.connection.execute("rollback to savepoint act; release savepoint act")

    def _look(self, statement: str) -> Any:  # noqa: ANN401 - one value of any type
        if not statement:
            return None
        self.connection.execute(
            f"set local role {_identifier(self.owner)}; set local statement_timeout = '10s'".encode()
        )
        row = self.connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def quiet(self, statement: str) -> str:
        """Give a text for `before`: run as the owner, without triggers and without foreign keys being checked."""
        if not statement:
            return ""
        return (
            f"set local session_replication_role = replica; set local role {_identifier(self.owner)}; {statement}; "
            "reset role; set local session_replication_role = origin"
        )

    @contextmanager
    def quietly(self, role: str = "") -> Iterator[None]:
        """Act as the owner (or another role) without triggers and without foreign keys being checked."""
        self.connection.execute("set local session_replication_role = replica")
        with self.acting(role or self.owner):
            yield
        self.connection.execute("set local session_replication_role = origin")

    @contextmanager
    def acting(self, role: str) -> Iterator[None]:
        """Be a role until the end of the block."""
        self.connection.execute(f"set local role {_identifier(role)}".encode())
        yield
        self.connection.execute("reset role")

    def tried(self, statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement in a savepoint; an error takes back that statement only and is raised."""
        with self.connection.transaction():
            cursor = self.connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


def name(*parts: str) -> str:
    """Quote a name."""
    return sql.Identifier(*parts).as_string()


def literal(value: object) -> str:
    """Quote a value."""
    return sql.Literal(value).as_string()


_quoted = literal
_identifier = name
