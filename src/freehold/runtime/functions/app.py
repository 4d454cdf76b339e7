"""`/functions/v1`: who may call a function, and its answer as it streams."""

import asyncio
import re
import uuid
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from freehold.runtime import waiting
from freehold.runtime.functions import answers
from freehold.runtime.functions.answers import Answer
from freehold.runtime.functions.pool import Functions
from freehold.runtime.services import Receive, Scope, Send, Services
from freehold.runtime.session import Refused
from freehold.runtime.settings import FunctionSettings
from freehold.runtime.workers.incoming import Incoming, until_gone
from freehold.runtime.workers.outgoing import NOT_FORWARDED, pass_on
from freehold.runtime.workers.slot import NotStartable
from freehold.runtime.workers.worker import BootFailed, Worker

ENDING_SECONDS = 5.0
_NAME = re.compile(r"/([A-Za-z0-9_-]+)(/.*)?", re.DOTALL)
_AUTOMATIC = frozenset(("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))


class FunctionsApp:
    """Edge functions on Deno behind the protocol of Supabase's gateway."""

    def __init__(self, services: Services) -> None:
        """Nothing runs until a function is called."""
        self._settings = services.settings
        self._sessions = services.sessions
        self._functions = Functions(services.settings)
        self._stopping = False

    async def start(self) -> None:
        """Open what functions share."""
        await self._functions.start()

    async def stop(self) -> None:
        """End every function."""
        self._stopping = True
        await self._functions.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        match = _NAME.fullmatch(scope["path"])
        function = self._functions.find(match[1]) if match else None
        if function is None:
            return await answers.NOT_FOUND.send(send)
        if self._stopping:
            return await answers.SHUTTING_DOWN.send(send)
        headers = self._headers(scope)
        refusal = self._refusal(scope, function, headers)
        if refusal is not None:
            return await refusal.send(send)
        incoming = Incoming(scope, receive)
        async with incoming:
            await until_gone(incoming, self._call(function, scope, headers, incoming, send))
        return None

    def _headers(self, scope: Scope) -> "CIMultiDict[str]":
        """The request's headers for the function; a key that stands for a token is put into its place."""
        headers: CIMultiDict[str] = CIMultiDict()
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1").lower()
            if name not in NOT_FORWARDED and not name.startswith("x-freehold-"):
                headers.add(name, raw_value.decode("latin-1"))
        if not headers.get("authorization", "Bearer sb_").startswith("Bearer sb_"):
            return headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        token = self._token_of_key(headers.get("apikey", "") or bearer)
        if token:
            headers["authorization"] = f"Bearer {token}"
        return headers

    def _token_of_key(self, key: str) -> str:
        """Give the JWT form of an opaque key, the key itself where it has that form, "" for one that is not ours."""
        if not key:
            return ""
        try:
            role = self._sessions.of_key(key).role
        except Refused:
            return ""
        if not key.startswith("sb_"):
            return key
        own = {"anon": self._settings.anon_jwt, "service_role": self._settings.service_role_jwt.reveal()}
        return own.get(role, "")

    def _refusal(self, scope: Scope, function: FunctionSettings, headers: "CIMultiDict[str]") -> Answer | None:
        """Why this call may not reach the function; None when it may."""
        if not function.verify_jwt or scope["method"] == "OPTIONS":
            return None
        authorization = headers.get("authorization", "")
        if not authorization:
            return answers.NO_AUTH if not headers.get("apikey") else answers.invalid_jwt("the key is not known")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "Auth header is not 'Bearer {token}'"
            return answers.problem(401, "UNAUTHORIZED_INVALID_AUTH_HEADER", message)
        try:
            self._sessions.of_key(token.strip())
        except Refused as refused:
            return answers.invalid_jwt(refused.reason)
        return None

    async def _call(
        self, function: FunctionSettings, scope: Scope, headers: "CIMultiDict[str]", incoming: Incoming, send: Send
    ) -> None:
        """Find or start the process and pass the request on."""
        try:
            worker = await self._functions.worker(function.name)
        except NotStartable as error:
            return await answers.boot_error(error.retry_seconds).send(send)
        request = self._describe(function, scope, headers)
        started = False
        try:
            async with asyncio.timeout(self._settings.function_limits.request_seconds), worker.use() as session:
                async with asyncio.timeout(self._settings.function_limits.answer_seconds) as patience:
                    response = await session.request(
                        scope["method"],
                        request,
                        headers=headers,
                        data=incoming.body() if incoming.has_body else None,
                        allow_redirects=False,
                        skip_auto_headers=_AUTOMATIC,
                    )
                    patience.reschedule(None)
                async with response:
                    started = True
                    await pass_on(response, headers["x-freehold-request"], send)
        except TimeoutError:
            if not started:
                await answers.TIMED_OUT.send(send)
        except (aiohttp.ClientError, OSError, BootFailed) as error:
            # After the first byte there is no way to say more: returning here cuts the connection.
            if not started:
                await (await _why(worker, error)).send(send)
        return None

    def _describe(self, function: FunctionSettings, scope: Scope, headers: "CIMultiDict[str]") -> URL:
        """Add what the runner reads, and give the address: functions see /<name>/..., as on the builder's platform."""
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        query = scope.get("query_string", b"").decode("latin-1")
        path = raw_path + (f"?{query}" if query else "")
        public = urlsplit(self._settings.public_url)
        headers["x-freehold-request"] = str(uuid.uuid4())
        headers["x-freehold-url"] = f"{public.scheme}://{public.netloc}{path}"
        headers["x-freehold-client"] = (scope.get("client") or ("", 0))[0]
        headers["host"] = public.netloc
        return URL(f"http://{function.name.replace('_', '-')}.function{path}", encoded=True)


async def _why(worker: Worker, error: Exception) -> Answer:
    """Wait until it is known how the process ended; one that lives but no longer listens is ended."""
    ended = await waiting.happens(worker.ended, ENDING_SECONDS)
    if not ended and isinstance(error, aiohttp.ClientConnectorError):
        await worker.stop("lost")
    return answers.WORKER_LIMIT if worker.over in ("cpu", "memory") else answers.WORKER_ERROR
