"""Calls to other people's servers: sign-in providers and the issuers of tokens. What they say is not trusted.

Each call has a time limit and a size limit, follows no redirect, and never reaches this machine, its link-local
neighbours or a cloud's metadata service, also when a name resolves there. Addresses of private networks may be
called: an owner's own provider can be in one.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MAXIMUM_BYTES = 1 << 20
METADATA = frozenset({"100.100.100.200", "fd00:ec2::254"})
"""Metadata services outside the link-local networks."""
_USER_AGENT = "freehold"


class NotReached(Exception):
    """The other side did not answer as it has to; the message holds no secret."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    value: object
    headers: Mapping[str, str]

    @property
    def mapping(self) -> dict[str, object]:
        """The value as an object; raises NotReached for another type."""
        if not isinstance(self.value, dict):
            raise NotReached("the answer is no JSON object")
        return self.value


class Outbound:
    """A client that is opened when first used. `allow_loopback` lets it call http:// on this machine, for one there."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        """Open nothing yet."""
        self._allow_loopback = allow_loopback
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET a JSON document. Raises NotReached; a status that is no success is the caller's to judge."""
        return await self._send("GET", url, headers or {}, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
        """POST a form and read JSON."""
        return await self._send("POST", url, headers or {}, form)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Reply:
        check_address(url, allow_loopback=self._allow_loopback)
        sent = {"accept": "application/json", "user-agent": _USER_AGENT, **headers}
        try:
            async with self._open().request(method, url, headers=sent, data=form, allow_redirects=False) as answer:
                body = await _read(answer)
                return Reply(status=answer.status, value=_json(body), headers=dict(answer.headers))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotReached(f"{_host(url)} cannot be reached: {type(error).__name__}") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=_Resolver(allow_loopback=self._allow_loopback), limit=50)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS)
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar)
        return self._session


def check_address(url: str, *, allow_loopback: bool) -> None:
    """Raise NotReached for an address that is never called."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotReached("the address cannot be read") from error
    if not host or parts.username is not None:
        raise NotReached("the address names no host, or a user")
    is_here = is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here and allow_loopback):
        raise NotReached(f"{host} is not reached by https")
    if (is_here and not allow_loopback) or (not is_here and _is_closed(host, allow_loopback=allow_loopback)):
        raise NotReached(f"{host} is an address of this machine or its network")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Resolver(AbstractResolver):
    """Looks names up, and gives no address that is closed."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._inner = ThreadedResolver(asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        opened = [item for item in found if not _is_closed(item["host"], allow_loopback=self._allow_loopback)]
        if not opened:
            raise OSError(f"{host} has no address that may be called")
        return opened

    async def close(self) -> None:
        await self._inner.close()


def _is_closed(text: str, *, allow_loopback: bool) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False  # a name: the resolver looks at what it stands for
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.is_loopback:
        return not allow_loopback
    return address.is_link_local or address.is_multicast or address.is_unspecified or str(address) in METADATA


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 16):
        found += chunk
        if len(found) > MAXIMUM_BYTES:
            raise NotReached(f"{_host(str(answer.url))} sent more than {MAXIMUM_BYTES} bytes")
    return bytes(found)


def _json(body: bytes) -> object:
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotReached("the answer is no JSON") from error
    return found


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
