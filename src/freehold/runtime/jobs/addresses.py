"""Where requests from SQL go: to our own API, or out, but never to this machine or its private neighbours.

Anybody who may call a function of the app that calls net.http_post may choose the address, so what answers only on this
machine or in its network must stay out of reach, also behind a name that resolves to it.
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

NEVER = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/127", "fe80::/10", "fc00::/7", "ff00::/8", "64:ff9b::/96", "2002::/16", "fd00:ec2::254/128",
)  # fmt: skip
"""This machine, link-local addresses with the clouds' metadata services, and what is no host's address."""
OWN_CLOSED = "/_freehold/"
OWN_OPEN = "/_freehold/ai"


class Unreachable(OSError):
    """Requests from SQL do not go there."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes: `is_own` over the runtime's own listener."""

    url: URL
    is_own: bool


class Addresses:
    """Decides for every address, after each redirect again."""

    def __init__(self, public_url: str, hosts: Mapping[str, str], denied: Iterable[str]) -> None:
        """`hosts` are the old back end's, with the path below our own address that answers instead."""
        self._own = URL(public_url)
        self._hosts = {name.lower(): path for name, path in hosts.items()}
        self._denied = [ipaddress.ip_network(network) for network in (*NEVER, *denied)]

    def route(self, text: str) -> Route:
        """Say where a request goes; raises Unreachable."""
        try:
            url = URL(text)
        except ValueError as error:
            raise Unreachable("not an address") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise Unreachable("only http and https addresses can be reached")
        replaced = self._hosts.get(url.host.lower())
        if replaced is not None:
            url = URL(f"{self._own.origin()}{replaced.rstrip('/')}{url.raw_path_qs}", encoded=True)
        if url.origin() != self._own.origin():
            return Route(url, is_own=False)
        path = url.path
        if path.startswith(OWN_CLOSED) and not path.startswith(OWN_OPEN):
            raise Unreachable("this part of the app's own address is closed to SQL")
        return Route(url, is_own=True)

    def open_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Make the socket for an address that a name has resolved to, or that was written as such."""
        family, kind, protocol, _, where = address
        found = ipaddress.ip_address(str(where[0]).partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        if any(found in network for network in self._denied if network.version == found.version):
            raise Unreachable(f"{found} is an address of this machine or its network, which SQL cannot reach")
        return socket.socket(family, kind, protocol)
