"""Sessions and the two tokens they give out.

A session is proved once (password, code, link), then carried on by refresh tokens that are swapped at each use. A
refresh token that comes back after its swap is either a client that lost the answer, or a thief: the first is
forgiven, the second ends the whole family of tokens.
"""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from freehold.platform.credentials import refresh_tokens
from freehold.runtime.auth import audit
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, banned, invalid, unexpected
from freehold.runtime.auth.http import Json, Request
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User, read_user, user_json
from freehold.runtime.database import Connection, Statement

SECOND_FACTOR_METHODS = frozenset({"totp", "mfa/phone", "mfa/webauthn"})


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A user and the session that a token is minted for, as the statement `session` gives it."""

    user: User
    session: Json


async def open_session(auth: Auth, connection: Connection, request: Request, user_id: uuid.UUID, method: str) -> Json:
    """Sign a user in within the caller's transaction; gives the session as the app gets it."""
    session_id, token = uuid.uuid4(), refresh_tokens.new_plain_token()
    results = await connection.run(
        [
            statement("insert_session", session_id, user_id, None, "aal1", _agent(request), request.ip),
            statement("insert_refresh_token", token, str(user_id), "", session_id),
            statement("insert_claim", session_id, method),
            statement("touch_sign_in", user_id),
            statement("user_by_id", user_id),
            statement("session", session_id),
        ]
    )
    user = read_user(results[4])
    if user is None:
        raise unexpected()
    carried = Carried(user=user, session=read_session(results[5].one()[0]))
    return await answer(auth, connection, carried, token, method)


async def refresh_session(auth: Auth, request: Request, token: str) -> Json:
    """Swap a refresh token. Raises ApiError; a token that was used before ends its family."""
    counted = None if refresh_tokens.is_plain_token(token) else refresh_tokens.parse_counted_token(token)
    if counted is None and not refresh_tokens.is_plain_token(token):
        raise invalid("Refresh token is not valid")
    async with auth.pool.transaction() as connection:
        if counted is None:
            found = await _swap_plain(auth, connection, request, token)
        else:
            found = await _swap_counted(auth, connection, request, counted)
    # An ApiError is given back, not raised, where the transaction has to be kept: the family stays revoked.
    if isinstance(found, ApiError):
        raise found
    return found


async def answer(auth: Auth, connection: Connection, carried: Carried, refresh_token: str, method: str) -> Json:
    """Mint an access token for the session and give the whole answer."""
    user = carried.user
    claims = _claims(auth, user, carried.session)
    if auth.config.access_token_hook:
        claims = await _hooked_claims(auth, connection, user, claims, method)
    return {
        "access_token": auth.services.sessions.mint(claims),
        "token_type": "bearer",
        "expires_in": auth.config.jwt_expiry,
        "expires_at": claims["exp"],
        "refresh_token": refresh_token,
        "user": user_json(user),
    }


def read_session(value: bytes | None) -> Json:
    """Read what the statement `session` gives."""
    found: Json = orjson.loads(value or b"{}")
    return found


async def next_refresh_token(connection: Connection, session: Json) -> str:
    """Swap the session's active refresh token within a transaction that holds the session: after a second factor."""
    session_id = session["id"]
    if session["refresh_token_counter"] is not None:
        key = refresh_tokens.decode_hmac_key(session["refresh_token_hmac_key"] or "")
        if key is None:
            raise unexpected()
        # Two steps ahead: the token from before the second factor cannot fetch the new one.
        counter = int(session["refresh_token_counter"]) + 2
        await connection.run([statement("set_counter", session_id, counter)])
        return refresh_tokens.encode_counted_token(uuid.UUID(session_id), counter, key)
    results = await connection.run([statement("active_refresh_token", session_id)])
    old = (results[0].rows[0][0] or b"").decode() if results[0].rows else ""
    token = refresh_tokens.new_plain_token()
    await connection.run(_swap(old, token, session["user_id"], session_id))
    return token


async def _swap_plain(auth: Auth, connection: Connection, request: Request, token: str) -> Json | ApiError:
    locked = await connection.run([statement("lock_session_by_token", token), statement("refresh_token", token)])
    if not locked[1].rows:
        raise ApiError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    if not locked[0].rows:
        await connection.run([statement("delete_orphan_token", token)])
        return ApiError(400, "session_not_found", "Invalid Refresh Token: No Valid Session Found")
    # Read again after the lock: another request may have swapped this token while we waited.
    session_id = (locked[0].rows[0][0] or b"").decode()
    results = await connection.run([statement("refresh_token", token), statement("session", session_id)])
    if not results[0].rows:
        raise ApiError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    row, session = orjson.loads(results[0].rows[0][0] or b"{}"), read_session(results[1].one()[0])
    user = await _user_of_session(auth, connection, session)
    issued = _issue_plain(auth, row, token)
    if issued is None:
        if auth.config.rotate_refresh_tokens:
            await connection.run([statement("revoke_family", session_id)])
        return ApiError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    statements = [audit.by_user(request, user, "token_refreshed")]
    if issued != (row["active"] or {}).get("token"):
        statements += [audit.by_user(request, user, "token_revoked")]
        statements += _swap(token if not row["revoked"] else "", issued, str(user.id), session_id, parent=token)
    await connection.run([*statements, _touch(request, session_id)])
    return await answer(auth, connection, Carried(user=user, session=session), issued, "token_refresh")


def _issue_plain(auth: Auth, row: Json, token: str) -> str | None:
    """Decide which token a plain token is swapped for; None when this is reuse that must not be forgiven."""
    if not row["revoked"]:
        return refresh_tokens.new_plain_token()
    if row["active"] and row["active"]["parent"] == token:
        return str(row["active"]["token"])
    if row["age_seconds"] <= auth.config.refresh_reuse_interval:
        return refresh_tokens.new_plain_token()
    return None


async def _swap_counted(
    auth: Auth, connection: Connection, request: Request, token: refresh_tokens.CountedToken
) -> Json | ApiError:
    missing = ApiError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    results = await connection.run([statement("lock_session", token.session_id)])
    results += await connection.run([statement("session", token.session_id)])
    session = read_session(results[1].rows[0][0]) if results[1].rows else {}
    key = refresh_tokens.decode_hmac_key(session.get("refresh_token_hmac_key") or "")
    if key is None or session["refresh_token_counter"] is None or not refresh_tokens.is_signed_with(token, key):
        raise missing
    user = await _user_of_session(auth, connection, session)
    current = int(session["refresh_token_counter"])
    behind = current - token.counter
    if behind < 0:
        raise invalid("Invalid Refresh Token: Not Issued By This Server")
    if behind > 1 and session["idle_seconds"] > auth.config.refresh_reuse_interval:
        if auth.config.rotate_refresh_tokens:
            await connection.run([statement("log_out_session", token.session_id)])
        return ApiError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    counter = current + 1 if behind == 0 else current
    issued = refresh_tokens.encode_counted_token(token.session_id, counter, key)
    statements = [
        statement("set_counter", token.session_id, counter),
        audit.by_user(request, user, "token_refreshed"),
        _touch(request, str(token.session_id)),
    ]
    await connection.run(statements)
    return await answer(auth, connection, Carried(user=user, session=session), issued, "token_refresh")


async def _user_of_session(auth: Auth, connection: Connection, session: Json) -> User:
    results = await connection.run([statement("user_by_id", session["user_id"])])
    user = read_user(results[0])
    if user is None:
        raise ApiError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    if user.is_banned:
        raise ApiError(400, banned().code, "Invalid Refresh Token: User Banned")
    config = auth.config
    if session["is_past"] or (config.session_timebox and session["age_seconds"] > config.session_timebox):
        raise ApiError(400, "session_expired", "Invalid Refresh Token: Session Expired")
    if config.session_inactivity and session["idle_seconds"] > config.session_inactivity:
        raise ApiError(400, "session_expired", "Invalid Refresh Token: Session Expired (Inactivity)")
    return user


def _swap(old: str, new: str, user_id: str, session_id: str, *, parent: str = "") -> list[Statement]:
    revoke = [statement("revoke_refresh_token", old)] if old else []
    return [*revoke, statement("insert_refresh_token", new, user_id, parent or old, session_id)]


def _touch(request: Request, session_id: str) -> Statement:
    return statement("touch_session", session_id, _agent(request), request.ip)


def _claims(auth: Auth, user: User, session: Json) -> Json:
    now = int(time.time())
    methods: list[Json] = session["amr"]
    is_second = any(item["method"] in SECOND_FACTOR_METHODS for item in methods)
    return {
        "iss": auth.config.external_url,
        "sub": str(user.id),
        "aud": user.text("aud"),
        "exp": now + auth.config.jwt_expiry,
        "iat": now,
        "email": user.email,
        "phone": user.phone,
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        "role": user.text("role"),
        "aal": "aal2" if is_second else "aal1",
        "amr": methods,
        "session_id": session["id"],
        "is_anonymous": user.is_anonymous,
    }


async def _hooked_claims(auth: Auth, connection: Connection, user: User, claims: Json, method: str) -> Json:
    """Let the app's function change the claims: {user_id, claims, authentication_method} in, {claims} out."""
    event = {"user_id": str(user.id), "claims": claims, "authentication_method": method}
    call = f"select {auth.config.access_token_hook}($1::jsonb)"
    results = await connection.run([(call, (orjson.dumps(event),))])
    output: Any = orjson.loads(results[0].one()[0] or b"null")
    found = output.get("claims") if isinstance(output, dict) else None
    kept = ("iss", "sub", "aud", "exp", "iat", "role", "aal", "session_id", "email", "phone", "is_anonymous")
    if not isinstance(found, dict) or any(name not in found for name in kept):
        raise unexpected("output claims do not conform to the expected schema")
    return found


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
