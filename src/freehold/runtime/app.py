"""The runtime's front door: which protocol answers which path. This is the whole of `freehold serve`."""

import asyncio
import contextlib
import json

from freehold.core.errors import FreeholdError
from freehold.runtime import cors
from freehold.runtime.ai.app import AiApp
from freehold.runtime.auth.app import AuthApp
from freehold.runtime.base44.app import Base44App
from freehold.runtime.broker.app import BrokerApp
from freehold.runtime.bus import Bus
from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.functions.app import FunctionsApp
from freehold.runtime.jobs.worker import Worker
from freehold.runtime.leader import Leader
from freehold.runtime.mail.mailer import open_mailer
from freehold.runtime.mail.page import MailPage
from freehold.runtime.mailing.app import MailingApp
from freehold.runtime.realtime.app import RealtimeApp
from freehold.runtime.rest.app import RestApp
from freehold.runtime.services import ProtocolApp, Receive, Scope, Send, Services, open_services
from freehold.runtime.settings import Settings
from freehold.runtime.site.app import SiteApp
from freehold.runtime.site.proxy import open_proxy
from freehold.runtime.standing import Standing
from freehold.runtime.storage.app import StorageApp

REST = "/rest/v1"
AUTH = "/auth/v1"
STORAGE = "/storage/v1"
FUNCTIONS = "/functions/v1"
REALTIME = "/realtime/v1"
AI = "/_freehold/ai"
MAIL = "/_freehold/mail"
MAILING = "/_freehold/mailing"
BROKER = "/~oauth"
HEALTH = "/_freehold/health"
NOT_OF_BASE44 = (REST, FUNCTIONS, REALTIME, BROKER)
"""A Base44 app does not speak these: its records have rules for fields, and its functions get tokens, in /api only."""
SHARED_CORS = (AUTH, STORAGE, REALTIME)
"""REST and functions answer cross-origin requests themselves; the rest is for this origin only."""


_LOOKED_AT = frozenset((b"host", b"apikey", b"origin", b"access-control-request-method"))


class RuntimeApp:
    """One ASGI application in front of all protocols."""

    def __init__(self, settings: Settings, standing: Standing | None = None) -> None:
        """Open nothing yet; `lifespan` does. Without a standing the release is the only one, and live."""
        self._services = open_services(settings)
        bus = Bus(settings.bus_directory)
        realtime = RealtimeApp(self._services, bus)
        self._routes = _routes(self._services) | {REALTIME: realtime}
        worker = Worker(self._services, realtime.notified)
        self._leader = Leader(settings.rest_dsn, bus, (*realtime.duties(), *worker.duties()), standing)
        self._base44 = _base44(self._services, self._routes)
        self._site = SiteApp(settings.site_directory, open_proxy(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, WebSocket or lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def start(self) -> None:
        """Start every protocol; the first that cannot raises."""
        await asyncio.gather(*(app.start() for app in self._apps()))
        await self._leader.start()

    async def stop(self) -> None:
        """Stop the protocols, then close the database connections."""
        await self._leader.stop()
        await asyncio.gather(*(app.stop() for app in self._apps()))
        for pool in (self._services.rest, self._services.auth, self._services.storage):
            await pool.close()

    def _apps(self) -> tuple[ProtocolApp, ...]:
        own = (self._base44,) if self._base44 else ()
        return (*own, *self._routes.values(), self._site)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except FreeholdError as error:
            said = "\n".join(text for text in (error.message, error.detail, error.hint) if text)
            await send({"type": "lifespan.startup.failed", "message": said})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == HEALTH:
            await self._health(send)
            return
        if path.startswith(HEALTH + "/"):
            await self._look(path.removeprefix(HEALTH), scope, receive, send)
            return
        if self._base44 is not None and self._base44.answers(path):
            await self._base44(scope, receive, send)
            return
        for prefix, app in self._routes.items():
            if self._base44 is not None and prefix in NOT_OF_BASE44:
                continue
            if path == prefix or path.startswith(prefix + "/"):
                await _below(prefix, app, scope, receive, send)
                return
        await self._site(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._base44 is not None and self._base44.answers(scope["path"]):
            await self._base44(scope, receive, send)
        elif self._base44 is None and scope["path"].startswith(REALTIME + "/"):
            await self._routes[REALTIME](_inner(REALTIME, scope), receive, send)
        else:
            await self._site(scope, receive, send)

    async def _look(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the app's own API (/api), or whether a function starts (/functions/{name}, OPTIONS only).

        Who looks after a release need not know which protocol its app speaks. What a stranger sends along is dropped.
        """
        function = path.removeprefix("/functions/")
        if path == "/api" and scope["method"] == "GET":
            app, inside = (self._base44, self._base44.door) if self._base44 else (self._routes[REST], "/")
        elif function != path and "/" not in function and scope["method"] == "OPTIONS":
            app, inside = self._routes[FUNCTIONS], f"/{function}"
        else:
            await _json(send, 404, {"status": "unknown"})
            return
        kept = [(name, value) for name, value in scope["headers"] if name in _LOOKED_AT]
        asked = dict(scope) | {"path": inside, "raw_path": inside.encode(), "query_string": b"", "headers": kept}
        await app(asked, receive, send)

    async def _health(self, send: Send) -> None:
        """Answer 200 when the database answers, else 503; says nothing about the app to strangers."""
        try:
            await self._services.rest.run([("select 1", ())])
        except (ConnectionLost, DatabaseError, PoolExhausted, TimeoutError):
            await _json(send, 503, {"status": "unavailable", "database": "unreachable"})
        else:
            await _json(send, 200, {"status": "ok", "database": "ok"})


def _routes(services: Services) -> dict[str, ProtocolApp]:
    mailer = open_mailer(services.settings)
    routes: dict[str, ProtocolApp] = {
        REST: RestApp(services),
        AUTH: AuthApp(services, mailer),
        STORAGE: StorageApp(services),
        FUNCTIONS: FunctionsApp(services),
        AI: AiApp(services),
        BROKER: BrokerApp(services),
        MAILING: MailingApp(services, mailer),
    }
    if services.settings.mail_page:
        routes[MAIL] = MailPage(services.settings)
    return routes


def _base44(services: Services, routes: dict[str, ProtocolApp]) -> Base44App | None:
    """The server of @base44/sdk, for an app of that builder; it reaches its peers by their own front doors."""
    if services.settings.base44 is None:
        return None
    peers = {"auth": routes[AUTH], "storage": routes[STORAGE], "functions": routes[FUNCTIONS], "ai": routes[AI]}
    return Base44App(services, open_mailer(services.settings), peers)


async def _below(prefix: str, app: ProtocolApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to a protocol without its prefix, and with the shared cross-origin rules."""
    inner = _inner(prefix, scope)
    if prefix not in SHARED_CORS:
        await app(inner, receive, send)
    elif not await cors.answer_preflight(scope, send):
        await app(inner, receive, cors.allowing(send))


def _inner(prefix: str, scope: Scope) -> Scope:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    inner = dict(scope)
    inner["path"] = scope["path"][len(prefix) :] or "/"
    inner["raw_path"] = raw_path[len(prefix) :] or b"/"
    inner["root_path"] = scope.get("root_path", "") + prefix
    return inner


async def _json(send: Send, status: int, body: dict[str, str]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    if status == 503:  # noqa: PLR2004 - RFC 9110's name for "come back later"
        headers.append((b"retry-after", b"1"))
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
