"""What every handler of /api needs, and the one way to the database: as the caller, in one round trip."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from freehold.runtime.base44.catalog import Catalog
from freehold.runtime.base44.http import Refusal, detailed, plain
from freehold.runtime.base44.identity import Who
from freehold.runtime.base44.peers import Peer
from freehold.runtime.database import DatabaseError, Pool, Result, Statement
from freehold.runtime.mail.mailer import Mailer
from freehold.runtime.services import Services

SERVICE_OWNER = "service"
"""Who made a record that a function made by its own right."""
DENIED = "42501"
_INVALID = {"22P02", "2201B", "22023", "22003", "22P05", "22021", "42883"}
_TIMED_OUT = "57014"


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """What the owner decides about the app."""

    app_id: str
    """24 hexadecimal digits; "" where the sources do not hold it: then any is answered."""
    visibility: str = "public_with_login"
    """public_without_login, public_with_login, private_with_login or workspace_with_login."""
    name: str = ""
    providers: tuple[str, ...] = ()

    @property
    def open_to_all(self) -> bool:
        """Whether whoever signs up becomes a user; else an invitation is needed."""
        return self.visibility.startswith("public_")

    @property
    def asks_everybody(self) -> bool:
        """Whether anonymous callers reach nothing at all."""
        return self.visibility in ("private_with_login", "workspace_with_login")


@dataclass(frozen=True, kw_only=True)
class Context:
    """Made once a process."""

    services: Services
    app: AppSettings
    catalog: Catalog
    peers: Mapping[str, Peer]
    """The other protocols of this process by name, reached as from outside: auth, storage, functions, ai."""
    mailer: Mailer
    buckets: set[str] = field(default_factory=set)
    """Those that are known to be there."""

    @property
    def pool(self) -> Pool:
        """Connections that become the caller."""
        return self.services.rest

    async def run(self, who: Who, statements: list[Statement], act: str = "") -> list[Result]:
        """Run statements as the caller; PostgreSQL's refusals become answers."""
        try:
            return (await self.pool.run([who.acting(act), *statements]))[1:]
        except DatabaseError as error:
            raise refusal_of(error) from error


def refusal_of(error: DatabaseError) -> Refusal:
    """Turn what PostgreSQL says into an answer; what is no fault of the request is raised on."""
    if error.sqlstate == DENIED:
        return plain(403, "Permission denied")
    if error.sqlstate in _INVALID:
        return plain(400, f"The request holds a value that cannot be used: {error.message}")
    if error.sqlstate == _TIMED_OUT:
        return detailed(504, "The query took too long")
    if error.sqlstate == "23505":
        return plain(409, "A record with this id is there already")
    raise error


def owner_of(context: Context, who: Who) -> tuple[str, str]:
    """Address and id of who made a new record when no person did.

    The address is the one that the builder writes: apps tell by it that nobody typed the record in.
    """
    return (f"service+{context.app.app_id}@no-reply.base44.com", SERVICE_OWNER) if who.service else ("", "")
