"""The routes of /api, /login and the sockets, and the one place where refusals become answers."""

import logging
import secrets
from collections.abc import Mapping
from urllib.parse import unquote

from freehold.platform.entities.schema import Entity
from freehold.runtime.base44 import (
    accounts,
    aggregate,
    bulk,
    calls,
    conversations,
    entities,
    identity,
    integrations,
    login_page,
    logs,
    models,
    pages,
    people,
    refusals,
)
from freehold.runtime.base44.catalog import Catalog
from freehold.runtime.base44.context import AppSettings, Context
from freehold.runtime.base44.http import Answer, Refusal, Request, answer, auth_required, detailed, plain, read, respond
from freehold.runtime.base44.identity import Who
from freehold.runtime.base44.peers import Peer
from freehold.runtime.base44.sockets import Sockets
from freehold.runtime.database import ConnectionLost, PoolExhausted
from freehold.runtime.mail.mailer import Mailer
from freehold.runtime.services import ProtocolApp, Receive, Scope, Send, Services

_ACCOUNT_CALLS = {
    "login": accounts.login,
    "register": accounts.register,
    "verify-otp": accounts.verify_otp,
    "resend-otp": accounts.resend_otp,
    "reset-password-request": accounts.reset_password_request,
    "reset-password": accounts.reset_password,
    "exchange": accounts.exchange,
}
_NEEDS_COLLECTION = {
    ("GET", "count"): entities.count_records,
    ("POST", "bulk"): entities.create_records,
    ("PUT", "bulk"): bulk.update_each,
    ("PATCH", "update-many"): bulk.update_many,
    ("POST", "aggregate"): aggregate.aggregate,
    ("POST", "upsert"): bulk.upsert,
    ("POST", "import"): bulk.import_records,
}
_log = logging.getLogger(__name__)


class Base44App:
    """The protocol as an ASGI application. It is mounted at the root: it knows its paths with their prefixes."""

    def __init__(self, services: Services, mailer: Mailer, peers: Mapping[str, ProtocolApp]) -> None:
        """`peers` are auth, storage, functions and ai of the same process."""
        self._context = Context(
            services=services,
            app=AppSettings(**(services.settings.base44 or {"app_id": ""}), providers=_providers(services)),
            catalog=Catalog(services.rest),
            peers={name: Peer(app) for name, app in peers.items()},
            mailer=mailer,
        )
        self._sockets = Sockets(self._context)

    async def start(self) -> None:
        """Listen for changes of records."""
        await self._sockets.start()

    async def stop(self) -> None:
        """Let the sockets go."""
        await self._sockets.stop()

    @property
    def door(self) -> str:
        """What an app asks first."""
        return f"/api/apps/public/prod/public-settings/by-id/{self._context.app.app_id or 'any'}"

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a path is this protocol's."""
        return path == "/login" or path.startswith(("/api/", "/ws-user-apps/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
            return
        request = read(scope, receive)
        try:
            if await self._is_function(request, send):
                return
            found = await self._answer(request)
        except Refusal as refusal:
            found = answer(refusal.body, refusal.status)
        except (ConnectionLost, PoolExhausted, TimeoutError):
            found = answer(detailed(503, "The database cannot be reached right now").body, 503)
        except ConnectionAbortedError:
            return
        except Exception:  # noqa: BLE001 - the top of this protocol: people get its form of a 500
            _log.exception("request failed: %s %s", request.method, scope["path"])
            found = answer(detailed(500, "Internal server error").body, 500)
        await respond(found, send)

    async def _is_function(self, request: Request, send: Send) -> bool:
        """Answer a call of a function as it streams; say whether it was one."""
        parts = _parts(request)
        if parts[:2] == ("api", "functions") and len(parts) > 2:  # noqa: PLR2004 - a name follows
            await self._function(request, "/".join(parts[2:]), send)
            return True
        if parts[:2] == ("api", "apps") and parts[3:4] == ("functions",) and len(parts) > 4:  # noqa: PLR2004
            self._refuse_other_apps(parts[2])
            await self._function(request, "/".join(parts[4:]), send)
            return True
        return False

    async def _answer(self, request: Request) -> Answer:
        parts = _parts(request)
        if parts[:1] == ("login",):
            return login_page.page(self._context, secrets.token_urlsafe(16), request.query.get("app_id", ""))
        if parts[:2] == ("api", "app-logs") and len(parts) > 2:  # noqa: PLR2004 - the app's id follows
            return await logs.answer_logs(self._context, request, self._who(request), parts[3:])
        if parts[:3] == ("api", "apps", "auth"):
            return self._sign_in_elsewhere(request, parts[3:])
        if parts[:3] == ("api", "apps", "public"):
            return await self._public_settings(request, parts[3:])
        if parts[:2] != ("api", "apps") or len(parts) < 4:  # noqa: PLR2004 - /api/apps/{id}/...
            raise plain(404, "Not found")
        self._refuse_other_apps(parts[2])
        return await self._of_app(request, self._who(request, lenient=parts[3] == "auth"), parts[3], parts[4:])

    async def _of_app(self, request: Request, who: Who, area: str, rest: tuple[str, ...]) -> Answer:
        context = self._context
        if area == "entities" and rest:
            return await self._entities(request, who, rest)
        if area == "auth":
            return await self._accounts(request, who, rest)
        if area == "integration-endpoints":
            return await self._integrations(request, who, rest)
        if area == "agents" and rest[:1] == ("conversations",):
            return await conversations.answer_conversations(context, request, who, rest[1:])
        return await self._of_the_rest(request, who, area, rest)

    async def _of_the_rest(self, request: Request, who: Who, area: str, rest: tuple[str, ...]) -> Answer:
        context = self._context
        if area == "analytics":
            await request.body()
            return answer({"success": True})
        if area == "ai":
            return await models.gateway(context, request, who, rest)
        if (area, *rest) in {("users", "invite-user"), ("runtime", "users", "invite-user")}:
            return await accounts.invite(context, request, who)
        raise refusals.of_area(area) or plain(404, "Not found")

    async def _entities(self, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
        context, name, rest = self._context, rest[0], rest[1:]
        if context.app.asks_everybody and not who.service and not who.signed_in:
            raise auth_required()
        entity = await context.catalog.entity(name)
        if entity.people:
            return await self._people(request, who, entity, rest)
        many = _NEEDS_COLLECTION.get((request.method, *rest)) if len(rest) == 1 else None
        if many is not None:
            return await many(context, request, who, entity)
        if (request.method, rest) == ("GET", ("v2", "list")):
            return await pages.list_page(context, request, who, entity)
        return await self._records(request, who, entity, rest)

    async def _records(self, request: Request, who: Who, entity: Entity, rest: tuple[str, ...]) -> Answer:
        context, method = self._context, request.method
        if not rest and method == "GET":
            return await entities.list_records(context, request, who, entity)
        if not rest and method == "POST":
            return await entities.create_record(context, request, who, entity)
        if not rest and method == "DELETE":
            return await entities.delete_records(context, request, who, entity)
        if len(rest) == 1 and method == "GET":
            return await entities.get_record(context, who, entity, rest[0])
        if len(rest) == 1 and method == "PUT":
            return await entities.update_record(context, request, who, entity, rest[0])
        if len(rest) == 1 and method == "DELETE":
            return await entities.delete_record(context, who, entity, rest[0])
        raise plain(405 if len(rest) < 2 else 404, "Not found")  # noqa: PLR2004

    async def _people(self, request: Request, who: Who, entity: Entity, rest: tuple[str, ...]) -> Answer:
        if rest == ("me",) and request.method == "GET":
            return await people.me(self._context, who, entity)
        if rest == ("me",) and request.method == "PUT":
            return await people.update_me(self._context, request, who, entity)
        return await people.answer_people(self._context, request, who, entity, rest)

    async def _accounts(self, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
        if rest == ("change-password",) and request.method == "POST":
            return await accounts.change_password(self._context, request, who)
        call = _ACCOUNT_CALLS.get(rest[0]) if len(rest) == 1 and request.method == "POST" else None
        if call is None:
            raise (
                detailed(501, "Single sign-on is not set up for this app")
                if rest[:1] == ("sso",)
                else plain(404, "Not found")
            )
        return await call(self._context, request)

    async def _integrations(self, request: Request, who: Who, rest: tuple[str, ...]) -> Answer:
        if request.method != "POST" or len(rest) < 2:  # noqa: PLR2004 - package and endpoint
            raise plain(404, "Not found")
        if rest[0] != "Core":
            raise detailed(501, f"The integration {rest[1]} is not installed here", code="not_served")
        return await integrations.answer_core(self._context, request, who, rest[1])

    async def _function(self, request: Request, path: str, send: Send) -> None:
        """Functions decide themselves whom they serve: a token that is not ours is theirs to read, without a right."""
        await calls.call_function(self._context, request, self._who(request, lenient=True), path, send)

    def _sign_in_elsewhere(self, request: Request, rest: tuple[str, ...]) -> Answer:
        if rest == ("logout",):
            return login_page.logout(self._context, request)
        if rest[-1:] == ("login",) and len(rest) <= 2:  # noqa: PLR2004 - provider and login
            return login_page.provider_login(self._context, request, rest[0] if len(rest) == 2 else "google")  # noqa: PLR2004
        raise plain(404, "Not found")

    async def _public_settings(self, request: Request, rest: tuple[str, ...]) -> Answer:
        """Say how the app is entered; 403 with a reason drives the boot screen."""
        if rest[-2:-1] != ("by-id",):
            raise plain(404, "Not found")
        self._refuse_other_apps(rest[-1])
        app, who = self._context.app, self._who(request, lenient=True)
        if app.visibility != "public_without_login":
            if not who.signed_in and not who.service:
                raise auth_required()
            (result,) = await self._context.run(who, [("select base44.caller() is not null", ())])
            if not who.service and result.one()[0] != b"t":
                await self._admit(who)
        return answer({"id": rest[-1], "public_settings": app.visibility, "name": app.name})

    async def _admit(self, who: Who) -> None:
        """A session that has ended has to sign in again; a person who is new joins where the app is open."""
        (result,) = await self._context.run(who, [("select base44.has_session()", ())])
        if result.one()[0] != b"t":
            raise auth_required()
        await accounts.admitted(self._context, {"access_token": who.caller.token})

    def _who(self, request: Request, *, lenient: bool = False) -> Who:
        try:
            return identity.identify(self._context.services.sessions, request)
        except Refusal:
            if lenient:
                return identity.NOBODY
            raise

    def _refuse_other_apps(self, app_id: str) -> None:
        own = self._context.app.app_id
        if own and app_id != own:
            raise detailed(404, "App not found")


def _providers(services: Services) -> tuple[str, ...]:
    """The ways to sign in beside a password that are set up."""
    external = services.settings.auth.get("external")
    tables = external.items() if isinstance(external, dict) else ()
    return tuple(name for name, table in tables if isinstance(table, dict) and table.get("enabled") is True)


def _parts(request: Request) -> tuple[str, ...]:
    """The path's parts, each decoded by itself, so that a slash inside a name stays one."""
    raw = (request.scope.get("raw_path") or request.scope["path"].encode()).decode("latin-1").partition("?")[0]
    return tuple(unquote(part) for part in raw.split("/") if part)
