"""What the protocols share: settings, identities and database access. They do not know each other."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from freehold.runtime.database import Pool
from freehold.runtime.session import Sessions
from freehold.runtime.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WHOLE = "freehold.whole"
"""An extension in `scope["extensions"]`: `http.response.start` may hold the body, and the answer is complete then."""


@dataclass(frozen=True, slots=True)
class Services:
    """Made once a process. Each pool logs in as the role that owns nothing but what its protocol needs."""

    settings: Settings
    sessions: Sessions
    rest: Pool
    """authenticator: becomes anon, authenticated or service_role, nothing else."""
    auth: Pool
    """supabase_auth_admin: owns schema auth."""
    storage: Pool
    """supabase_storage_admin: owns schema storage; may become anon, authenticated or service_role."""


def open_services(settings: Settings) -> Services:
    """Make the services of a process; connections are opened when first needed."""
    return Services(
        settings=settings,
        sessions=Sessions(settings),
        rest=Pool(settings.rest_dsn, settings.pool_size),
        auth=Pool(settings.auth_dsn, settings.pool_size),
        storage=Pool(settings.storage_dsn, settings.pool_size),
    )


class ProtocolApp(Protocol):
    """One protocol as an ASGI application.

    `scope["path"]` and `scope["raw_path"]` come without the protocol's prefix: /rest/v1/todos arrives as /todos.
    """

    async def start(self) -> None:
        """Load what is needed before the first request."""

    async def stop(self) -> None:
        """Finish what runs and end child processes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
