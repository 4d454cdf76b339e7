"""`/storage/v1`: Supabase Storage over the owner's PostgreSQL and an object store."""

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from freehold.kit.objects.folder import FolderStore
from freehold.runtime.database import ConnectionLost, DatabaseError, PoolExhausted
from freehold.runtime.services import Message, Receive, Send, Services
from freehold.runtime.services import Scope as AsgiScope
from freehold.runtime.session import ANON, Caller, Refused
from freehold.runtime.storage import errors
from freehold.runtime.storage.call import Call, Depot
from freehold.runtime.storage.routes import Access, Match, find
from freehold.runtime.storage.scope import Scope
from freehold.runtime.storage.sweep import Sweeper
from freehold.runtime.storage.tokens import Tokens

logger = logging.getLogger(__name__)


class StorageApp:
    """Answers what storage-js sends. Paths come without /storage/v1."""

    def __init__(self, services: Services) -> None:
        """Touch neither disk nor database yet."""
        settings = services.settings
        self._sessions = services.sessions
        self._depot = Depot(
            pool=services.storage,
            store=FolderStore(settings.storage_directory),
            tokens=Tokens(settings.jwt_secret),
            file_size_limit=settings.storage_file_size_limit_bytes,
        )
        self._sweeper = Sweeper(self._depot)

    async def start(self) -> None:
        """Begin to sweep now and then."""
        self._sweeper.start()

    async def stop(self) -> None:
        """Stop sweeping."""
        await self._sweeper.stop()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        request = Request(scope, receive)
        try:
            response = await self._answer(request)
            await response(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception:
            # the top of the protocol: clients want JSON, and the owner wants the cause
            logger.exception("storage: %s %s failed", scope["method"], scope["path"])
            if started:
                raise
            error = errors.StorageError(
                500, "InternalError", "Internal Server Error", error="Internal", http_status=500
            )
            await _refusal(error)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            match = find(request.method, request.scope.get("raw_path") or request.url.path.encode())
            if match is None:
                return _no_route(request)
            return await match.route.answer(self._call(request, match))
        except errors.StorageError as error:
            return _refusal(error)
        except DatabaseError as error:
            return _refusal(errors.from_database(error))
        except (ConnectionLost, TimeoutError):
            message = "The connection to the database timed out"
            return _refusal(errors.StorageError(544, "DatabaseTimeout", message, http_status=544))
        except PoolExhausted:
            message = "Too many connections issued to the database"
            code = "too_many_connections"
            return _refusal(errors.StorageError(429, "SlowDown", message, error=code, http_status=429))

    def _call(self, request: Request, match: Match) -> Call:
        if request.headers.get("service-worker") == "script":
            # a stored file must never become the app's service worker: that would be a lasting takeover of its origin
            raise errors.access_denied("Stored files cannot be service workers")
        _refuse_transformation(request, match)
        caller, authenticated = self._identify(request, match.route.access)
        scope = Scope(
            caller=caller,
            headers=dict(request.headers),
            method=request.method,
            path=request.scope["path"],
            operation=match.route.operation,
        )
        return Call(self._depot, request, scope, match.bucket, match.key, authenticated)

    def _identify(self, request: Request, access: Access) -> tuple[Caller, bool]:
        """Who asks, and whether a key or token says so; raises what the route demands."""
        if access is Access.OPEN:
            return ANON, False
        headers = request.headers
        if "authorization" not in headers and "apikey" not in headers:
            if access is Access.OPTIONAL:
                return ANON, False
            raise errors.invalid_body("headers must have required property 'authorization'")
        try:
            caller = self._sessions.identify(request.scope["headers"])
        except Refused as error:
            if access is Access.OPTIONAL:
                return ANON, False
            raise errors.refused(error) from error
        if access is Access.SERVICE and caller.role != "service_role":
            raise errors.access_denied("Access denied: Invalid role", http_status=403)
        return caller, True


def _refuse_transformation(request: Request, match: Match) -> None:
    """An image as it is can be had from /render too; a changed one cannot."""
    if match.route.path.startswith("/render/image/") and {"width", "height"} & set(request.query_params):
        raise errors.not_enabled("Image transformations")


def _refusal(error: errors.StorageError) -> Response:
    return JSONResponse(error.body(), error.http_status)


def _no_route(request: Request) -> Response:
    message = f"Route {request.method}:{request.scope['path']} not found"
    error = errors.StorageError(404, "InvalidRequest", message, error="Not Found", http_status=404)
    return _refusal(error)
