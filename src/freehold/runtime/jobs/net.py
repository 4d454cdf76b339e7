"""The leader's sender of requests that SQL has queued with net.http_get, http_post and http_delete."""

import asyncio
import logging
from dataclasses import dataclass, field

import aiohttp
import orjson
from aiohttp.client_exceptions import ClientError
from yarl import URL

from freehold.runtime import waiting
from freehold.runtime.database import Pool
from freehold.runtime.jobs.addresses import Addresses, Unreachable
from freehold.runtime.settings import Settings

AT_ONCE = 50
LOOK_SECONDS = 2.0
LONGEST_SECONDS = 300.0
ANSWER_LIMIT_BYTES = 10 * 1024 * 1024
REDIRECTS = 5
_TAKE = """
select id, method, url, headers, encode(body, 'hex'), timeout_milliseconds from freehold_worker.take_requests($1)
"""
_KEEP = "select freehold_worker.keep_response($1, $2, $3, $4::jsonb, $5, $6, $7)"
_CREDENTIALS = frozenset({"authorization", "cookie", "apikey", "proxy-authorization"})
_log = logging.getLogger("freehold.net")


@dataclass(frozen=True, slots=True)
class Request:
    """A row of net.http_request_queue."""

    id: int
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of net._http_response."""

    status: int | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: str | None = None
    timed_out: bool = False
    problem: str | None = None


class Net:
    """The duty `run`; `wake` when something was queued."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        """Nothing is sent yet."""
        self._pool = pool
        self._addresses = Addresses(settings.public_url, settings.function_hosts, settings.function_denied_addresses)
        self._api_address = settings.api_address
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is queued, each once, until this process leads no more; what is under way is then ended."""
        out = aiohttp.TCPConnector(limit=AT_ONCE, socket_factory=self._addresses.open_socket, use_dns_cache=False)
        own_connector = _own_connector(self._api_address)
        jar = aiohttp.DummyCookieJar
        async with (
            aiohttp.ClientSession(connector=out, cookie_jar=jar(), auto_decompress=True) as outside,
            aiohttp.ClientSession(connector=own_connector, cookie_jar=jar()) as own,
        ):
            try:
                while True:
                    await self._look(outside, own)
            finally:
                for task in list(self._sending):
                    task.cancel()
                await asyncio.gather(*self._sending, return_exceptions=True)

    async def _look(self, outside: aiohttp.ClientSession, own: aiohttp.ClientSession) -> None:
        self._wake.clear()
        free = AT_ONCE - len(self._sending)
        requests = await self._take(free) if free else []
        for request in requests:
            task = asyncio.create_task(self._send(request, outside, own))
            self._sending.add(task)
            task.add_done_callback(self._sent)
        if not requests or len(requests) == free:
            await waiting.happens(self._wake, LOOK_SECONDS)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            _log.warning("the answer to a request could not be kept: %s", task.exception())

    async def _take(self, most: int) -> list[Request]:
        (result,) = await self._pool.run([(_TAKE, (b"%d" % most,))])
        return [
            Request(
                int(number or 0),
                (method or b"").decode().upper(),
                (url or b"").decode(),
                {name: str(value) for name, value in (orjson.loads(headers or b"null") or {}).items()},
                bytes.fromhex(body.decode()) if body is not None else None,
                min(max(int(timeout or 0) / 1000, 0.001), LONGEST_SECONDS),
            )
            for number, method, url, headers, body, timeout in result.rows
        ]

    async def _send(self, request: Request, outside: aiohttp.ClientSession, own: aiohttp.ClientSession) -> None:
        try:
            async with asyncio.timeout(request.timeout_seconds):
                outcome = await self._answer(request, outside, own)
        except TimeoutError:
            reason = f"Timeout of {request.timeout_seconds * 1000:.0f} ms reached"
            outcome = Outcome(timed_out=True, problem=reason)
        except (ClientError, OSError, ValueError) as error:
            outcome = Outcome(timed_out=False, problem=_reason(error))
        await self._keep(request, outcome)

    async def _answer(self, request: Request, outside: aiohttp.ClientSession, own: aiohttp.ClientSession) -> Outcome:
        """Follow redirects ourselves, as each leads to an address that must be looked at anew."""
        method, body, headers, url = request.method, request.body, dict(request.headers), request.url
        for _ in range(REDIRECTS + 1):
            route = self._addresses.route(url)
            session = own if route.is_own else outside
            target = _on_listener(route.url, self._api_address) if route.is_own else route.url
            sent = headers | ({"Host": route.url.authority} if route.is_own else {})
            async with session.request(method, target, data=body, headers=sent, allow_redirects=False) as answer:
                location = answer.headers.get("location")
                if answer.status not in {301, 302, 303, 307, 308} or location is None:
                    return await _read(answer)
            following = route.url.join(URL(location))
            if following.origin() != route.url.origin():
                headers = {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}
            if answer.status in {301, 302, 303} and method != "GET":
                method, body = "GET", None
            url = str(following)
        raise Unreachable("too many redirects")

    async def _keep(self, request: Request, outcome: Outcome) -> None:
        def text(value: str | None) -> bytes | None:
            return None if value is None else value.replace("\0", "").encode("utf-8", "replace")

        values = (
            b"%d" % request.id,
            None if outcome.status is None else b"%d" % outcome.status,
            text(outcome.content_type),
            None if outcome.status is None else orjson.dumps(outcome.headers).replace(b"\\u0000", b""),
            text(outcome.content),
            b"t" if outcome.timed_out else b"f",
            text(outcome.problem),
        )
        await self._pool.run([(_KEEP, values)])


async def _read(answer: aiohttp.ClientResponse) -> Outcome:
    content = bytearray()
    async for block in answer.content.iter_chunked(65536):
        content += block
        if len(content) > ANSWER_LIMIT_BYTES:
            raise Unreachable(f"the answer is longer than {ANSWER_LIMIT_BYTES} bytes")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    text = bytes(content).decode(answer.charset or "utf-8", "replace")
    return Outcome(answer.status, answer.headers.get("content-type"), headers, text)


def _own_connector(api_address: str) -> aiohttp.BaseConnector:
    if api_address.startswith("unix:"):
        return aiohttp.UnixConnector(api_address.removeprefix("unix:"))
    return aiohttp.TCPConnector(limit=AT_ONCE)


def _on_listener(url: URL, api_address: str) -> URL:
    """The same path where the runtime itself listens."""
    if api_address.startswith("http"):
        listener = URL(api_address)
        return url.with_scheme(listener.scheme).with_host(listener.host or "").with_port(listener.port)
    return url.with_scheme("http") if api_address else url


def _reason(error: Exception) -> str:
    """What went wrong, in words that name no internal address but the caller's own."""
    cause = error.__cause__ if isinstance(error.__cause__, Unreachable) else None
    inner = getattr(error, "os_error", None)
    refused = next((one for one in (error, cause, inner) if isinstance(one, Unreachable)), None)
    return str(refused) if refused is not None else f"{type(error).__name__}: {error}"
