"""Second factors: enrol, challenge, verify and remove. TOTP only; other kinds are answered as switched off."""

import time
import uuid
from urllib.parse import urlsplit

import orjson

from freehold.runtime.auth import accounts, audit, limits, tokens, totp
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid, unexpected
from freehold.runtime.auth.guard import Signed
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User
from freehold.runtime.database import Connection

CHALLENGE_SECONDS = 300
_OFF = {"phone": "Phone", "webauthn": "WebAuthn"}


async def enroll(auth: Auth, request: Request, signed: Signed) -> Response:
    """Make an unverified TOTP factor; gives its secret this once."""
    _require_person(signed)
    body = request.json()
    kind, name = accounts.text(body, "factor_type"), accounts.text(body, "friendly_name")
    if kind in _OFF:
        raise _switched_off(kind, "enroll")
    if kind != "totp":
        raise invalid("factor_type needs to be totp, phone, or webauthn")
    if not auth.config.totp_enroll:
        raise ApiError(422, "mfa_totp_enroll_not_enabled", "MFA enroll is disabled for TOTP")
    issuer = accounts.text(body, "issuer") or urlsplit(auth.config.site_url).netloc
    factor_id, secret = uuid.uuid4(), totp.new_secret()
    async with auth.pool.transaction() as connection:
        await connection.run([statement("sweep_factors", signed.user.id)])
        user = await accounts.lock(connection, signed.user.id)
        _check_room(auth, user, signed, name)
        record = audit.by_user(request, user, "factor_in_progress", {"factor_id": str(factor_id)})
        await connection.run([statement("insert_factor", factor_id, user.id, name, kind, secret), record])
    uri = totp.key_uri(secret, issuer, user.email)
    setup = {"qr_code": totp.qr_svg(uri), "secret": secret, "uri": uri}
    return ok({"id": str(factor_id), "type": "totp", "friendly_name": name, "totp": setup})


async def challenge(auth: Auth, request: Request, signed: Signed) -> Response:
    """Open a challenge that one code answers."""
    _require_person(signed)
    factor = find_factor(signed.user, request.parts[0])
    _require_totp(auth, factor)
    challenge_id = uuid.uuid4()
    traits = {"factor_id": factor["id"], "factor_status": factor["status"]}
    await auth.pool.run(
        [
            statement("insert_challenge", challenge_id, factor["id"], request.ip or "127.0.0.1"),
            statement("touch_challenge", factor["id"]),
            audit.by_user(request, signed.user, "challenge_created", traits),
        ]
    )
    expires = int(time.time()) + CHALLENGE_SECONDS
    return ok({"id": str(challenge_id), "type": factor["factor_type"], "expires_at": expires})


async def verify(auth: Auth, request: Request, signed: Signed) -> Response:
    """Check a code: this session reaches aal2, sessions of a lower level end."""
    _require_person(signed)
    body = request.json()
    factor, code = find_factor(signed.user, request.parts[0]), accounts.text(body, "code")
    if not code:
        raise invalid("Code needs to be non-empty")
    _require_totp(auth, factor)
    challenge_id = _uuid(accounts.text(body, "challenge_id"), "challenge_id")
    await limits.reserve(auth.pool, limits.SECOND_FACTORS, factor["id"])
    async with auth.pool.transaction() as connection:
        # The user's row first: two sessions that pass at once would otherwise end each other and deadlock.
        await accounts.lock(connection, signed.user.id)
        await _take_challenge(connection, request, factor, challenge_id)
        if not totp.is_valid(factor["secret"], code, time.time()):
            raise ApiError(422, "mfa_verification_failed", "Invalid TOTP code entered")
        traits = {"factor_id": factor["id"], "challenge_id": str(challenge_id), "factor_type": "totp"}
        await connection.run(
            [
                statement("verify_challenge", challenge_id),
                statement("verify_factor", factor["id"]),
                audit.by_user(request, signed.user, "verification_attempted", traits),
            ]
        )
        found = await _raise_level(auth, connection, signed, factor)
    await limits.forgive(auth.pool, limits.SECOND_FACTORS, factor["id"])
    return ok(found)


async def unenroll(auth: Auth, request: Request, signed: Signed) -> Response:
    """Remove a factor; a verified one only from a session that passed it."""
    _require_person(signed)
    factor = find_factor(signed.user, request.parts[0])
    if factor["status"] == "verified" and not signed.is_second_level:
        raise ApiError(422, "insufficient_aal", "AAL2 required to unenroll verified factor")
    traits = {"factor_id": factor["id"], "factor_status": factor["status"], "session_id": signed.session_id}
    await auth.pool.run(
        [
            statement("delete_factor_claims", signed.user.id, factor["id"]),
            statement("downgrade_sessions", signed.user.id, factor["id"]),
            statement("delete_factor", factor["id"], signed.user.id),
            audit.by_user(request, signed.user, "factor_unenrolled", traits),
        ]
    )
    return ok({"id": factor["id"]})


def find_factor(user: User, named: str) -> Json:
    """Give the user's factor of this id; raises 404."""
    factor_id = _uuid(named, "factor_id")
    found = next((item for item in user.factors if item["id"] == str(factor_id)), None)
    if found is None:
        raise ApiError(404, "mfa_factor_not_found", "Factor not found")
    return found


async def _take_challenge(connection: Connection, request: Request, factor: Json, challenge_id: uuid.UUID) -> None:
    results = await connection.run([statement("challenge", challenge_id, factor["id"])])
    if not results[0].rows:
        message = "MFA factor with the provided challenge ID not found"
        raise ApiError(422, "mfa_factor_not_found", message)
    row = orjson.loads(results[0].rows[0][0] or b"{}")
    if row["verified"] or row["ip"] != (request.ip or "127.0.0.1"):
        raise ApiError(422, "mfa_ip_address_mismatch", "Challenge and verify IP addresses mismatch.")
    if row["age_seconds"] > CHALLENGE_SECONDS:
        message = f"MFA challenge {challenge_id} has expired, "
        message += "verify against another challenge or create a new challenge."
        raise ApiError(422, "mfa_challenge_expired", message)


async def _raise_level(auth: Auth, connection: Connection, signed: Signed, factor: Json) -> Json:
    user_id, session_id = signed.user.id, signed.session_id
    await connection.run([statement("lock_session", session_id)])
    results = await connection.run([statement("insert_claim", session_id, "totp"), statement("session", session_id)])
    session = tokens.read_session(results[1].one()[0])
    refresh = await tokens.next_refresh_token(connection, session)
    await connection.run(
        [
            statement("set_level", session_id, "aal2", factor["id"]),
            statement("delete_lower_sessions", user_id),
            statement("delete_unverified_factors", user_id, "totp"),
        ]
    )
    user = await accounts.read(connection, user_id)
    return await tokens.answer(auth, connection, tokens.Carried(user=user, session=session), refresh, "totp")


def _check_room(auth: Auth, user: User, signed: Signed, name: str) -> None:
    if any((item["friendly_name"] or "") == name for item in user.factors):
        message = f'A factor with the friendly name "{name}" for this user already exists'
        raise ApiError(422, "mfa_factor_name_conflict", message)
    if len(user.factors) >= auth.config.factors_limit:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise ApiError(422, "too_many_enrolled_mfa_factors", message)
    if user.has_verified_factor and not signed.is_second_level:
        raise ApiError(403, "insufficient_aal", "AAL2 required to enroll a new factor")


def _require_person(signed: Signed) -> None:
    if signed.session is None:
        raise unexpected("A valid session and a registered user are required to enroll a factor")
    if signed.user.is_anonymous:
        raise ApiError(403, "no_authorization", "Anonymous user not allowed to perform these actions")


def _require_totp(auth: Auth, factor: Json) -> None:
    if factor["factor_type"] in _OFF:
        raise _switched_off(factor["factor_type"], "verify")
    if not auth.config.totp_verify:
        raise ApiError(422, "mfa_totp_verify_not_enabled", "MFA verification is disabled for TOTP")


def _switched_off(kind: str, act: str) -> ApiError:
    done = "MFA enroll" if act == "enroll" else "MFA verification"
    return ApiError(422, f"mfa_{kind}_{act}_not_enabled", f"{done} is disabled for {_OFF[kind]}")


def _uuid(text: str, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise ApiError(404, "validation_failed", f"{name} must be an UUID") from error
