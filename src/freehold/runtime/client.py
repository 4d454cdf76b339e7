"""Who a request comes from."""

import ipaddress

from freehold.runtime.services import Scope


def address(scope: Scope) -> tuple[str, bool]:
    """Find the client's address, "" where it is not known, and whether it is a process of this machine.

    Only a proxy on this machine is believed, and only the entry it added itself.
    """
    host = (scope.get("client") or ("", 0))[0]
    if host and not (_is_address(host) and ipaddress.ip_address(host).is_loopback):
        return host, False
    given = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
    forwarded = given.rpartition(",")[2].strip()
    return (forwarded, False) if _is_address(forwarded) else (host or "127.0.0.1", True)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
