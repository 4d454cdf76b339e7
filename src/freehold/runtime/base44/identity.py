"""Who asks, from the headers of one request: nobody, a person by token, or a function by its own token.

Nothing falls back: a token that cannot be read is 401, and every right comes from the database.
"""

import secrets
import time
from dataclasses import dataclass

from freehold.runtime.base44.http import Refusal, Request, detailed
from freehold.runtime.database import Statement
from freehold.runtime.session import ANON, Caller, Refused, Sessions

SERVICE_SECONDS = 900
"""How long a function may use the token of one call: longer than any function runs."""
SIGNED_IN_SECONDS = 30 * 86400
"""The SDK cannot refresh a token. Signing out, or an end of the session, ends it at once all the same."""
ROLES = frozenset({"anon", "authenticated", "service_role"})


@dataclass(frozen=True, kw_only=True)
class Who:
    """The caller of one request."""

    caller: Caller

    @property
    def service(self) -> bool:
        """Whether a function asks with its own right."""
        return self.caller.role == "service_role"

    @property
    def signed_in(self) -> bool:
        """Whether a person's token was given; that the person is known is for the database to say."""
        return self.caller.role == "authenticated"

    def acting(self, act: str = "") -> Statement:
        """The statement that makes the rest of the batch run as this caller, with an act for the policies."""
        sql = (
            "select set_config('request.jwt.claims', $1, true), set_config('role', $2, true),"
            " set_config('base44.act', $3, true)"
        )
        return sql, (self.caller.claims_json.encode(), self.caller.role.encode(), act.encode())


NOBODY = Who(caller=ANON)


def identify(sessions: Sessions, request: Request) -> Who:
    """Read the bearer token; an absent one is nobody, an unreadable one is refused with 401."""
    return of_token(sessions, bearer(request.headers.get("authorization", "")))


def of_token(sessions: Sessions, token: str) -> Who:
    """Give the caller of a token; "" is nobody."""
    if not token:
        return NOBODY
    try:
        caller = sessions.verify(token)
    except Refused as error:
        raise _unauthorized() from error
    if caller.role not in ROLES:
        raise _unauthorized()
    return Who(caller=caller)


def bearer(header: str) -> str:
    """The token of an Authorization header, "" without one."""
    scheme, _, value = header.partition(" ")
    return value.strip() if scheme.lower() == "bearer" and value.strip() not in ("null", "undefined") else ""


def service_token(sessions: Sessions, function: str, who: Who) -> str:
    """Sign the token that a function gets for one call."""
    now = int(time.time())
    claims: dict[str, object] = {
        "role": "service_role", "function": function, "iat": now, "exp": now + SERVICE_SECONDS,
        "jti": secrets.token_hex(12),
    }  # fmt: skip
    if who.caller.user_id:
        claims["on_behalf_of"] = who.caller.user_id
    return sessions.mint(claims)


def lasting_token(sessions: Sessions, token: str) -> str:
    """Sign a token for the same session that lasts as long as the SDK needs it."""
    claims = dict(sessions.verify(token).claims)
    return sessions.mint(claims | {"exp": int(time.time()) + SIGNED_IN_SECONDS})


def new_id() -> str:
    """An id in the builder's form: 24 hexadecimal digits that grow with time.

    Those that one process makes grow always, so that records made at once stand in the order in which they were given.
    """
    global _newest  # noqa: PLW0603 - one clock a process
    _newest = max(_newest + 1, time.time_ns() // 1000)
    seconds, microseconds = divmod(_newest, 1_000_000)
    return f"{seconds:08x}{microseconds:05x}{secrets.randbits(44):011x}"


_newest = 0


def _unauthorized() -> Refusal:
    return Refusal(401, dict(detailed(401, "Unauthorized").body) | {"error": "Unauthorized"})
