"""`/rest/v1`: PostgREST v14 as an ASGI application. `RestCore` needs only a database and somebody who knows callers."""

from freehold.core.secret import Secret
from freehold.runtime.database import ConnectionLost, DatabaseError, Pool, PoolExhausted
from freehold.runtime.rest import (
    configuration,
    cors,
    errors,
    execute,
    failures,
    identity,
    openapi,
    planner,
    plans,
    request,
    response,
)
from freehold.runtime.rest.body import read_body
from freehold.runtime.rest.errors import ApiError, Header
from freehold.runtime.rest.identity import Identify
from freehold.runtime.rest.query import params
from freehold.runtime.rest.request import FUNCTION, ROOT, Head, Heads, Resource
from freehold.runtime.rest.response import Response
from freehold.runtime.rest.settings import RestSettings, of_runtime
from freehold.runtime.rest.state import Knowledge, Source, State
from freehold.runtime.rest.timing import Timing
from freehold.runtime.rest.watch import ClientGone, Vigil, Watch
from freehold.runtime.services import WHOLE, Receive, Scope, Send, Services
from freehold.runtime.session import Caller


class RestCore:
    """The core alone: it can stand in front of any database."""

    def __init__(
        self,
        pool: Pool,
        settings: RestSettings,
        identify: Identify,
        dsn: Secret,
        *,
        source: Source = configuration.load_settings,
    ) -> None:
        """`dsn` is for the listener's own connection; it is the pool's. `source` reads the settings at every load."""
        self._pool = pool
        self._settings = settings
        self._identify = identify
        self._heads = Heads()
        self._vigil = Vigil()
        self.state = State(pool, settings, dsn, source)

    async def start(self) -> None:
        """Load the schema cache and listen for reloads; a database that is away is waited for in the background."""
        await self.state.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self.state.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Whatever goes wrong is an answer with PostgREST's error body."""
        head = self._heads.read(scope)
        known = self.state.known
        settings = known.settings if known is not None else self._settings
        if head.method == "OPTIONS":
            preflight = cors.preflight(head.method, head.headers, settings.server_cors_allowed_origins)
            if preflight is not None:
                await _send(scope, send, Response(200, preflight))
                return
        timing = Timing() if settings.server_timing_enabled else None
        try:
            answer = await self._answer(scope, receive, head, known, timing)
        except ApiError as error:
            answer = response.of_error(error, headers_only=head.method == "HEAD")
        except ClientGone:
            return
        if answer.status == 503 and known is not None:  # noqa: PLR2004 - RFC 9110
            self.state.want()
        _add_missing(answer.headers, _extra_headers(head, settings, timing))
        await _send(scope, send, answer)

    async def _answer(
        self, scope: Scope, receive: Receive, head: Head, known: Knowledge | None, timing: Timing | None
    ) -> Response:
        if known is None:
            # Who may come in can stand in the database: nobody is sent away by settings that are not the last word.
            raise errors.no_schema_cache()
        caller = self._identify(scope["headers"])
        if timing is not None:
            timing.mark("jwt")
        if len(head.path) + len(head.query) > known.settings.max_url_bytes:
            raise errors.uri_too_long(known.settings.max_url_bytes)
        body = await read_body(head, receive, known.settings.max_body_bytes)
        try:
            with Watch(self._vigil, receive):
                return await self._handle(head, body, caller, known, timing)
        except DatabaseError as error:
            is_anonymous = caller.role == known.settings.db_anon_role
            raise failures.of_database(error, is_anonymous=is_anonymous) from error
        except ConnectionLost as error:
            raise failures.unreachable() from error
        except PoolExhausted as error:
            raise failures.exhausted() from error

    async def _handle(
        self, head: Head, body: bytes, caller: Caller, known: Knowledge, timing: Timing | None
    ) -> Response:
        resource = request.resource_of(head.path, known.settings)
        if resource.kind == ROOT or head.method == "OPTIONS":
            return await self._describe(head, resource, caller, known)
        arguments = resource.kind == FUNCTION and head.method in ("GET", "HEAD")
        lifted = params.lift(head.query, arguments=arguments)
        plan = plans.of_request(head, resource, lifted, body, known)
        if timing is not None:
            timing.mark("plan")
        wanted = execute.Request(plan.compiled, head, caller, lifted.values, plan.body)
        outcome = await execute.run(self._pool, wanted, known.settings, known.roles)
        if timing is not None:
            timing.mark("transaction")
        answer = response.of_outcome(plan.compiled, outcome, lifted.canonical)
        if timing is not None:
            timing.mark("response")
        return answer

    async def _describe(self, head: Head, resource: Resource, caller: Caller, known: Knowledge) -> Response:
        """Answer OPTIONS, and the description of the API on `/`."""
        lifted = params.lift(head.query, arguments=resource.kind == FUNCTION)
        wish = planner.understand(head, resource, lifted, b"", known.settings, known.cache)
        if head.method == "OPTIONS":
            return response.of_options(openapi.allowed_methods(wish, known.cache))
        document = await openapi.document(self._pool, wish, caller, known)
        headers: list[Header] = [(b"content-type", b"application/openapi+json; charset=utf-8")]
        if wish.profile is not None:
            headers.append((b"content-profile", wish.profile))
        if head.method == "HEAD":
            return Response(200, headers)
        return Response(200, [*headers, (b"content-length", b"%d" % len(document))], document)


class RestApp(RestCore):
    """The core as `/rest/v1` of the runtime: callers come from the app's sessions."""

    def __init__(self, services: Services) -> None:
        """Use the pool of the role `authenticator`."""
        dsn = services.settings.rest_dsn
        super().__init__(services.rest, of_runtime(services.settings), identity.of_sessions(services.sessions), dsn)


def _extra_headers(head: Head, settings: RestSettings, timing: Timing | None) -> list[Header]:
    extra: list[Header] = []
    if "origin" in head.headers:
        extra = cors.of_request(head.headers, settings.server_cors_allowed_origins)
    if settings.server_trace_header:
        name = settings.server_trace_header.lower()
        extra.append((name.encode(), head.headers.get(name, "").encode()))
    if timing is not None:
        extra.append((b"server-timing", timing.header()))
    return extra


def _add_missing(headers: list[Header], extra: list[Header]) -> None:
    if extra:
        names = {name for name, _ in headers}
        headers.extend(item for item in extra if item[0] not in names)


async def _send(scope: Scope, send: Send, answer: Response) -> None:
    start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    if WHOLE in scope.get("extensions", ()):
        start["body"] = answer.body
        await send(start)
        return
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})
