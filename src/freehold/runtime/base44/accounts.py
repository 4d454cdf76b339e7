"""/apps/{id}/auth/*: signing up and in, by way of the auth protocol, whose limits and mails these are."""

from collections.abc import Mapping
from typing import Any

import orjson

from freehold.runtime.base44.context import Context, refusal_of
from freehold.runtime.base44.http import Answer, Refusal, Request, answer, auth_required, detailed, plain
from freehold.runtime.base44.identity import Who, lasting_token, new_id
from freehold.runtime.base44.peers import PeerAnswer
from freehold.runtime.base44.rows import now
from freehold.runtime.database import DatabaseError
from freehold.runtime.session import Refused

SHORTEST_PASSWORD = 8
_BAD_GATEWAY = 500


async def login(context: Context, request: Request) -> Answer:
    """Sign in with a password; 401 for wrong ones, 403 where the app is closed to this person."""
    body = await request.table()
    found = await _auth(context, request, "/token?grant_type=password", _credentials(body))
    if found.status >= _BAD_GATEWAY or found.status == 429:  # noqa: PLR2004 - too many requests
        raise _passed_on(found)
    if "email_not_confirmed" in (found.table.get("code"), found.table.get("error_code")):
        raise detailed(403, "Please verify your email before logging in")
    if found.status != 200:  # noqa: PLR2004
        raise detailed(401, "Invalid email or password")
    token, _ = await admitted(context, found.table)
    return answer({"access_token": token, "success": True, "user": {}})


async def register(context: Context, request: Request) -> Answer:
    """Make an account; its code comes by mail. Asked again before it is confirmed, a new code does."""
    body = await request.table()
    credentials = _credentials(body)
    if len(credentials["password"]) < SHORTEST_PASSWORD:
        raise detailed(400, f"Password must be at least {SHORTEST_PASSWORD} characters long")
    await _refuse_strangers(context, credentials["email"])
    name = body.get("full_name") or credentials["email"].partition("@")[0]
    found = await _auth(context, request, "/signup", {**credentials, "data": {"full_name": str(name)}})
    if found.status != 200 or _is_taken(found.table):  # noqa: PLR2004
        raise detailed(400, "A user with this email already exists") if _is_known(found) else _passed_on(found)
    token = found.table.get("access_token")
    if token:
        _, person = await admitted(context, found.table)
    words = "Registration successful. Please check your email for the verification code."
    return answer({"id": person if token else new_id(), "message": words, "otp_expires_in_minutes": 10})


async def verify_otp(context: Context, request: Request) -> Answer:
    """Confirm an address by the code from the mail, and sign in."""
    body = await request.table()
    given = {"type": "signup", "email": _text(body, "email"), "token": _text(body, "otp_code")}
    found = await _auth(context, request, "/verify", given)
    if found.status != 200:  # noqa: PLR2004
        raise detailed(400, "Invalid or expired verification code") if found.status < 429 else _passed_on(found)  # noqa: PLR2004
    token, person = await admitted(context, found.table)
    words = "Email verified successfully. You are now logged in."
    return answer({"id": person, "access_token": token, "message": words, "success": True})


async def resend_otp(context: Context, request: Request) -> Answer:
    """Send the code again; the answer does not say whether there is such an account."""
    body = await request.table()
    found = await _auth(context, request, "/resend", {"type": "signup", "email": _text(body, "email")})
    if found.status == 429 or found.status >= _BAD_GATEWAY:  # noqa: PLR2004
        raise _passed_on(found)
    return answer({"message": "If this address waits for verification, a new code was sent", "success": True})


async def reset_password_request(context: Context, request: Request) -> Answer:
    """Send a link for a new password; the answer does not say whether there is such an account."""
    body = await request.table()
    redirect = f"{context.services.settings.public_url}/login?mode=reset"
    found = await _auth(context, request, f"/recover?redirect_to={redirect}", {"email": _text(body, "email")})
    if found.status == 429 or found.status >= _BAD_GATEWAY:  # noqa: PLR2004
        raise _passed_on(found)
    return answer({"message": "If this address has an account, a link was sent to it", "success": True})


async def reset_password(context: Context, request: Request) -> Answer:
    """Set a new password with the token of the mail's link."""
    body = await request.table()
    token, password = _text(body, "reset_token"), _password(body, "new_password")
    found = await _auth(context, request, "/verify", {"type": "recovery", "token_hash": token})
    access = str(found.table.get("access_token") or "")
    if found.status != 200 and token.count(".") == 2:  # noqa: PLR2004 - the link's own session, as the login page has it
        access = token
    if not access:
        raise detailed(400, "Invalid or expired reset token")
    await _set_password(context, request, access, {"password": password})
    return answer({"message": "Password has been reset successfully", "success": True})


async def change_password(context: Context, request: Request, who: Who) -> Answer:
    """Change one's own password; the old one has to be right, and nobody can name another user."""
    body = await request.table()
    person = await current(context, who)
    if body.get("user_id") not in (None, person["id"]):
        raise plain(403, "Permission denied")
    given = {"email": person["email"], "password": _text(body, "current_password")}
    found = await _auth(context, request, "/token?grant_type=password", given)
    if found.status != 200:  # noqa: PLR2004
        raise detailed(400, "Current password is incorrect") if found.status < 429 else _passed_on(found)  # noqa: PLR2004
    await _set_password(context, request, found.table["access_token"], {"password": _password(body, "new_password")})
    return answer({"message": "Password changed successfully", "success": True})


async def exchange(context: Context, request: Request) -> Answer:
    """Turn the token that a provider's sign-in ended with into the one that the SDK keeps."""
    body = await request.table()
    token, person = await admitted(context, {"access_token": _text(body, "access_token")})
    return answer({"access_token": token, "id": person})


async def invite(context: Context, request: Request, who: Who) -> Answer:
    """Invite by mail: admins may, and functions; the role is the invited person's from their first sign-in."""
    body = await request.table()
    address, role = _text(body, "user_email").strip(), str(body.get("role") or "user")
    person = {} if who.service else await current(context, who)
    if not who.service and person.get("role") != "admin":
        raise plain(403, "Permission denied")
    if "@" not in address or len(address) > 320:  # noqa: PLR2004 - RFC 3696
        raise detailed(422, "user_email is no e-mail address")
    given = [parameter.encode() for parameter in (address, role, str(person.get("id") or "service"))]
    await context.pool.run([("select base44.invite($1, $2, $3)", given)])
    key = context.services.settings.service_role_jwt.reveal()
    path = f"/invite?redirect_to={context.services.settings.public_url}/login?mode=invite"
    found = await context.peers["auth"].ask_json(request.scope, "POST", path, {"email": address}, headers=_keys(key))
    if found.status not in (200, 422):
        raise _passed_on(found)
    return answer({"success": True, "message": f"Invitation sent to {address}"})


async def admitted(context: Context, session: Mapping[str, Any]) -> tuple[str, str]:
    """Let a signed-in person in: give their lasting token and id, or raise 403 `user_not_registered`."""
    sessions = context.services.sessions
    try:
        token = lasting_token(sessions, str(session.get("access_token") or ""))
        claims = sessions.verify(token).claims
    except Refused as error:
        raise detailed(401, "Unauthorized") from error
    metadata = claims.get("user_metadata")
    name = metadata.get("full_name") or metadata.get("name") if isinstance(metadata, Mapping) else None
    email = str(claims.get("email") or "")
    opened = b"true" if context.app.open_to_all else b"false"
    texts = [str(claims.get("sub") or ""), email, str(name or email.partition("@")[0]), new_id(), now()]
    try:
        sql = "select base44.join($1::uuid, $2, $3, $4, $5, $6::boolean)"
        (result,) = await context.pool.run([(sql, [*(text.encode() for text in texts), opened])])
    except DatabaseError as error:
        raise refusal_of(error) from error
    person = result.one()[0]
    if person is None:
        raise auth_required("user_not_registered")
    return token, person.decode()


async def current(context: Context, who: Who) -> dict[str, Any]:
    """Give the caller as the database knows them; 401 for nobody."""
    (result,) = await context.run(who, [("select base44.caller()", ())])
    found = result.one()[0]
    if found is None:
        raise Refusal(401, dict(detailed(401, "Unauthorized").body) | {"error": "Unauthorized"})
    person: dict[str, Any] = orjson.loads(found)
    return person


async def _refuse_strangers(context: Context, address: str) -> None:
    """A closed app takes invited people only; it says so before an account is made."""
    if context.app.open_to_all:
        return
    sql = "select base44.is_invited($1)"
    (result,) = await context.pool.run([(sql, [address.encode()])])
    if result.one()[0] != b"t":
        raise auth_required("user_not_registered")


async def _set_password(context: Context, request: Request, token: str, changes: Mapping[str, str]) -> None:
    headers = {**_keys(context.services.settings.publishable_key), "authorization": f"Bearer {token}"}
    found = await context.peers["auth"].ask_json(request.scope, "PUT", "/user", dict(changes), headers=headers)
    if found.status == 401 or found.status == 403:  # noqa: PLR1714, PLR2004
        raise detailed(400, "Invalid or expired reset token")
    if found.status != 200:  # noqa: PLR2004
        raise _passed_on(found)


async def _auth(context: Context, request: Request, path: str, body: Mapping[str, object]) -> PeerAnswer:
    key = context.services.settings.publishable_key
    return await context.peers["auth"].ask_json(request.scope, "POST", path, dict(body), headers=_keys(key))


def _keys(key: str) -> dict[str, str]:
    return {"apikey": key, "x-supabase-api-version": "2024-01-01"} | (
        {"authorization": f"Bearer {key}"} if key.count(".") == 2 else {}  # noqa: PLR2004 - a JWT
    )


def _credentials(body: Mapping[str, Any]) -> dict[str, str]:
    return {"email": _text(body, "email").strip(), "password": _text(body, "password")}


def _password(body: Mapping[str, Any], name: str) -> str:
    password = _text(body, name)
    if len(password) < SHORTEST_PASSWORD:
        raise detailed(400, f"Password must be at least {SHORTEST_PASSWORD} characters long")
    return password


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise detailed(422, f"Error in field {name}: Field required", "ValidationError")
    return value


def _is_known(found: PeerAnswer) -> bool:
    return found.status == 200 or found.table.get("code") in ("user_already_exists", "email_exists")  # noqa: PLR2004


def _is_taken(user: Mapping[str, Any]) -> bool:
    """Sign-up answers for a known address with a made-up user that has no identities."""
    return user.get("identities") == []


def _passed_on(found: PeerAnswer) -> Refusal:
    """What the auth protocol refused, in the builder's form."""
    message = str(found.table.get("message") or found.table.get("msg") or "The request was refused")
    return detailed(max(found.status, 400), message)
