"""POST /token: the grants password, refresh_token, pkce and id_token; POST /logout."""

import base64
import hashlib
import hmac
import uuid

import orjson

from freehold.runtime.auth import accounts, audit, id_token, limits, passwords, tokens
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, banned, invalid, invalid_login
from freehold.runtime.auth.guard import Signed
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User

FLOW_SECONDS = 300


async def token(auth: Auth, request: Request) -> Response:
    """Give a session for a proof."""
    grant = request.query.get("grant_type", "")
    if grant == "refresh_token":
        limit = limits.Limit(name="refresh", most=auth.config.limits.token_refresh_per_5_minutes, window_seconds=300)
        await limits.count_client(auth.pool, request, limit)
        value = accounts.text(request.json(), "refresh_token")
        return ok(await tokens.refresh_session(auth, request, value))
    limit = limits.Limit(name="sign-in", most=auth.config.limits.sign_ins_per_5_minutes, window_seconds=300)
    await limits.count_client(auth.pool, request, limit)
    if grant == "password":
        return await _by_password(auth, request)
    if grant == "pkce":
        return await _by_code(auth, request)
    if grant == "id_token":
        return await id_token.by_id_token(auth, request)
    if grant == "web3":
        raise ApiError(422, "web3_provider_disabled", "Web3 provider is disabled")
    raise ApiError(400, "invalid_credentials", "unsupported_grant_type")


async def log_out(auth: Auth, request: Request, signed: Signed) -> Response:
    """End this session, the others or all."""
    scope = request.query.get("scope", "") or "global"
    if scope not in {"global", "local", "others"}:
        raise invalid(f'Unsupported logout scope "{scope}"')
    user, session = signed.user, signed.session
    end = statement("log_out", user.id)
    if session is not None and scope == "local":
        end = statement("log_out_session", session["id"])
    elif session is not None and scope == "others":
        end = statement("log_out_others", user.id, session["id"])
    await auth.pool.run([audit.by_user(request, user, "logout"), end])
    return Response(status=204)


async def _by_password(auth: Auth, request: Request) -> Response:
    body = request.json()
    email, phone, password = (accounts.text(body, name) for name in ("email", "phone", "password"))
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on login.")
    if not email and not phone:
        raise invalid("missing email or phone")
    subject = email.lower() or accounts.plain_phone(phone)
    await limits.reserve(auth.pool, limits.PASSWORDS, subject)
    user = await _find(auth, email, accounts.plain_phone(phone))
    await _check_password(user, password)
    if user is None:
        raise invalid_login()
    if user.is_banned:
        raise banned(400)
    await limits.forgive(auth.pool, limits.PASSWORDS, subject)
    if email and not user.is_confirmed:
        raise ApiError(400, "email_not_confirmed", "Email not confirmed")
    if phone and not user.is_phone_confirmed:
        raise ApiError(400, "phone_not_confirmed", "Phone not confirmed")
    async with auth.pool.transaction() as connection:
        provider = {"provider": "email" if email else "phone"}
        await connection.run([audit.by_user(request, user, "login", provider)])
        found = await tokens.open_session(auth, connection, request, user.id, "password")
    weak = passwords.weakness(auth.config, password)
    if weak is not None:
        found["weak_password"] = {"message": weak.message, "reasons": list(weak.weak_reasons)}
    return ok(found)


async def _find(auth: Auth, email: str, phone: str) -> User | None:
    if email:
        accounts.require_email_sign_in(auth.config, 422)
        return await accounts.find_by_email(auth.pool, email)
    if not auth.config.phone_enabled:
        raise ApiError(422, "phone_provider_disabled", "Phone logins are disabled")
    return await accounts.find_by_phone(auth.pool, phone)


async def _check_password(user: User | None, password: str) -> None:
    """Raise the one answer for a wrong password, no password and no such user, after the same work."""
    if user is None or not user.password_hash:
        await passwords.waste_the_time_of_a_comparison(password)
        raise invalid_login()
    if not await passwords.matches(user.password_hash, password):
        raise invalid_login()


async def _by_code(auth: Auth, request: Request) -> Response:
    body = request.json()
    code, verifier = accounts.text(body, "auth_code"), accounts.text(body, "code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    # The code is taken in a transaction of its own: a wrong verifier uses it up, so it cannot be tried again.
    results = await auth.pool.run([statement("take_flow", code)])
    flow: Json = orjson.loads(results[0].rows[0][0] or b"{}") if results[0].rows else {}
    if not flow.get("user_id"):
        raise ApiError(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    if flow["age_seconds"] > FLOW_SECONDS:
        raise ApiError(422, "flow_state_expired", "invalid flow state, flow state has expired")
    if not _is_verifier(flow, verifier):
        message = "code challenge does not match previously saved code verifier"
        raise ApiError(400, "bad_code_verifier", message)
    async with auth.pool.transaction() as connection:
        user = await accounts.read(connection, uuid.UUID(flow["user_id"]))
        if user.is_banned:
            raise banned(400)
        await connection.run([audit.by_user(request, user, "login", {"provider_type": flow["provider_type"]})])
        method = flow["authentication_method"]
        found = await tokens.open_session(auth, connection, request, user.id, method)
    provider = {name: flow[name] for name in ("provider_token", "provider_refresh_token") if flow[name]}
    return ok(found | provider)


def _is_verifier(flow: Json, verifier: str) -> bool:
    given = verifier.encode()
    if flow["method"] == "s256":
        given = base64.urlsafe_b64encode(hashlib.sha256(given).digest()).rstrip(b"=")
    return hmac.compare_digest(given, str(flow["challenge"]).encode())
