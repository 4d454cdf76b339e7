"""Who may call what. Every route names one of three doors; there is no route without one."""

import uuid
from dataclasses import dataclass
from enum import Enum

from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, banned
from freehold.runtime.auth.http import Json, Request
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.tokens import read_session
from freehold.runtime.auth.users import User, read_user
from freehold.runtime.session import Caller, Refused

ADMIN_ROLES = frozenset({"service_role", "supabase_admin"})


class Door(Enum):
    """What a route asks for."""

    OPEN = "anyone, also a browser that follows a link"
    KEY = "anyone who knows the project's published key"
    USER = "a signed-in user whose session still exists"
    ADMIN = "the server's own key"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A user who is signed in, with the session the token names."""

    user: User
    session: Json | None
    caller: Caller

    @property
    def session_id(self) -> str:
        """The session's id, "" for a token that names none."""
        return str(self.session["id"]) if self.session else ""

    @property
    def is_second_level(self) -> bool:
        """Whether this session passed a second factor."""
        return self.session is not None and self.session["aal"] == "aal2"


def check_key(auth: Auth, request: Request) -> None:
    """Raise 401 unless the request names the project, where that is asked for."""
    if not auth.services.settings.require_apikey:
        return
    key = request.headers.get("apikey") or request.query.get("apikey") or _bearer(request)
    if not key:
        raise ApiError(401, "no_authorization", "No API key found in request")
    try:
        auth.services.sessions.of_key(key)
    except Refused as error:
        raise ApiError(401, "no_authorization", "Invalid API key") from error


def check_admin(auth: Auth, request: Request) -> Caller:
    """Raise unless the verified role is service_role or supabase_admin. A user's session never carries either."""
    caller = _verified(auth, request)
    if caller.role not in ADMIN_ROLES or "session_id" in caller.claims:
        raise ApiError(403, "not_admin", "User not allowed")
    return caller


async def check_user(auth: Auth, request: Request) -> Signed:
    """Raise unless a user is signed in, the session was not logged out and the user is not banned."""
    caller = _verified(auth, request)
    if auth.services.sessions.trusted.is_foreign(caller.claims):
        raise ApiError(403, "bad_jwt", "invalid JWT: the token is of another issuer's user")
    user_id, session_id = _ids(caller)
    results = await auth.pool.run([statement("user_by_id", user_id), statement("session_of_user", session_id, user_id)])
    user = read_user(results[0])
    if user is None:
        raise ApiError(403, "user_not_found", "User from sub claim in JWT does not exist")
    session = read_session(results[1].rows[0][0]) if results[1].rows else None
    if session is None and session_id is not None:
        raise ApiError(403, "session_not_found", "Session from session_id claim in JWT does not exist")
    if user.is_banned:
        raise banned()
    return Signed(user=user, session=session, caller=caller)


def _verified(auth: Auth, request: Request) -> Caller:
    bearer = _bearer(request)
    if not bearer:
        raise ApiError(401, "no_authorization", "This endpoint requires a valid Bearer token")
    try:
        if bearer.startswith("sb_"):
            return auth.services.sessions.of_key(request.headers.get("apikey") or bearer)
        return auth.services.sessions.verify(bearer)
    except Refused as error:
        message = f"invalid JWT: unable to parse or verify signature, {_reason(error)}"
        raise ApiError(403, "bad_jwt", message) from error


def _ids(caller: Caller) -> tuple[uuid.UUID, uuid.UUID | None]:
    if not caller.user_id:
        raise ApiError(403, "bad_jwt", "invalid claim: missing sub claim")
    try:
        user_id = uuid.UUID(caller.user_id)
    except ValueError as error:
        raise ApiError(400, "bad_jwt", "invalid claim: sub claim must be a UUID") from error
    named = caller.claims.get("session_id") or None
    try:
        session_id = uuid.UUID(str(named)) if named else None
    except ValueError as error:
        raise ApiError(403, "bad_jwt", "invalid claim: session_id claim must be a UUID") from error
    return user_id, session_id if session_id and session_id.int else None


def _bearer(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _reason(error: Refused) -> str:
    return "token has invalid claims: token is expired" if error.expired else "token signature is invalid"
