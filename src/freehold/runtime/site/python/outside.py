"""The door to the outside world: an HTTP proxy that looks at where a name leads before it connects.

The app's own address and, by http, the builder's hosts lead to the API. Everything of this machine, its neighbours
and clouds' metadata services is closed.
"""

import asyncio
import functools
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from freehold.runtime.settings import Settings
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.relay import Streams, both_ways, for_api, open_api

HEAD_SECONDS = 30.0
CONNECT_SECONDS = 20.0
MOST_TRIED = 4
LOOKUPS_AT_ONCE = 4
_HEADERS_OF_THE_WAY = re.compile(rb"^(proxy-[a-z-]+|connection|keep-alive):[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_NEVER6 = tuple(ipaddress.IPv6Network(text) for text in ("fc00::/7", "fec0::/10", "64:ff9b:1::/48"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Refused(Exception):
    """Status and text of the answer."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


class OutsideDoor:
    """Answers the program's connections to its proxy."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected yet."""
        self._settings = settings
        own = urlsplit(settings.public_url)
        self._own = (own.hostname or "", own.port or _DEFAULT_PORTS[own.scheme])
        self._own_is_plain = own.scheme == "http"
        self._hosts = {**surroundings.BUILDER_HOSTS, **settings.function_hosts}
        self._name = own.netloc.encode()
        # Threads of their own: names that answer slowly would take those that the runtime needs for itself.
        self._lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, "lookup")

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, or be a tunnel."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.partition(b" ")
            target, _, _ = rest.partition(b" ")
            if method == b"CONNECT":
                upstream = await self._tunnel(target.decode("latin-1"))
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream = await self._request(head, target.decode("latin-1"))
        except _Refused as error:
            writer.write(_answer(error.status, str(error)))
            await writer.drain()
            return
        await both_ways((reader, writer), upstream)

    async def _tunnel(self, target: str) -> Streams:
        try:
            address = urlsplit(f"//{target}")
            host, port = address.hostname or "", address.port
        except ValueError:
            host, port = "", None
        if not host or port is None:
            raise _Refused("400 Bad Request", "the address cannot be read")
        if (host, port) == self._own:
            return await self._api() if self._own_is_plain else await self._reach(host, port, is_own=True)
        if host in self._hosts:
            raise _Refused("403 Forbidden", f"{host} is the builder's, and is answered by http only here")
        return await self._reach(host, port)

    async def _request(self, head: bytes, target: str) -> Streams:
        """Connect for a request in absolute form, and pass its head on as the other side wants it."""
        try:
            address = urlsplit(target)
            host, port, scheme = address.hostname or "", address.port or 80, address.scheme
        except ValueError as error:
            raise _Refused("400 Bad Request", "the address cannot be read") from error
        if scheme != "http" or not host:
            raise _Refused("400 Bad Request", "this is a proxy for http addresses and CONNECT")
        one = _HEADERS_OF_THE_WAY.sub(b"", head[:-2]) + b"Connection: close\r\n\r\n"
        path = address._replace(scheme="", netloc="", fragment="").geturl() or "/"
        path = path if path.startswith("/") else "/" + path
        inside = "" if (host, port) == self._own else self._hosts.get(host)
        if inside is not None:
            upstream = await self._api()
            upstream[1].write(for_api(_at(one, inside + path), self._name))
        else:
            upstream = await self._reach(host, port)
            upstream[1].write(_at(one, path))
        return upstream

    async def _api(self) -> Streams:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await open_api(self._settings.api_address or self._settings.public_url)
        except (OSError, TimeoutError) as error:
            raise _Refused("502 Bad Gateway", "the app's own API does not answer") from error

    async def _reach(self, host: str, port: int, *, is_own: bool = False) -> Streams:
        """Connect to what a name stands for: to the address that was looked at, never to the name again."""
        loop = asyncio.get_running_loop()
        # Each time: the machine may have got another address since.
        closed = Closed(surroundings.denied_addresses(self._settings))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                look_up = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
                found = await loop.run_in_executor(self._lookups, look_up)
                addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
                opened = addresses if is_own else [item for item in addresses if not closed.holds(item)]
                if not opened:
                    raise _Refused("403 Forbidden", f"{host} is an address that the app's server may not reach")
                return await _first(opened[:MOST_TRIED], port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise _Refused("502 Bad Gateway", f"{host} cannot be reached") from error


class Closed:
    """Addresses that are never connected to, in whatever form they are written."""

    def __init__(self, denied: Sequence[str]) -> None:
        """Read networks and addresses as surroundings writes them: IPv6 in brackets."""
        self._networks = [ipaddress.ip_network(re.sub(r"[\[\]]", "", text), strict=False) for text in denied]

    def holds(self, text: str) -> bool:
        """Whether an address that a name stands for is closed."""
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return True
        return any(self._is_closed(form) for form in _forms(address))

    def _is_closed(self, address: Address) -> bool:
        special = (
            address.is_loopback
            or address.is_link_local
            or address.is_multicast
            or address.is_unspecified
            or address.is_reserved
        )
        if isinstance(address, ipaddress.IPv6Address):
            # Addresses that only wrap one of IPv4 are judged by that one.
            wrapped = address.ipv4_mapped is not None or address in _TRANSLATED
            special = (special and not wrapped) or any(address in network for network in _NEVER6)
        return special or any(address in network for network in self._networks if network.version == address.version)


def _forms(address: Address) -> list[Address]:
    """An address and those of IPv4 that it stands for: mapped, translated, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    found: list[Address] = [address]
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address in _TRANSLATED or int(address) >> 32 == 0:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    return found


async def _first(addresses: Sequence[str], port: int) -> Streams:
    """Connect to the first address that answers. Raises OSError."""
    failed: OSError = OSError("no address")
    for address in addresses:
        try:
            return await asyncio.open_connection(address, port)
        except OSError as error:
            failed = error
    raise failed


def _at(head: bytes, path: str) -> bytes:
    """The same head for a path of the server itself."""
    line, _, rest = head.partition(b"\r\n")
    method, _, further = line.partition(b" ")
    return b"%s %s %s\r\n%s" % (method, path.encode("latin-1"), further.rpartition(b" ")[2], rest)


def _answer(status: str, text: str) -> bytes:
    body = text.encode()
    length = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body)
    return b"HTTP/1.1 %s\r\n%sconnection: close\r\n\r\n%s" % (status.encode(), length, body)
