"""GET and PUT /user, and DELETE /user/identities/:id: what users may do with their own account."""

import hmac
import uuid
from datetime import UTC, datetime, timedelta

from freehold.platform.credentials import one_time
from freehold.runtime.auth import accounts, audit, limits, links, passwords
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, email_exists
from freehold.runtime.auth.guard import Signed
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.links import CHANGE_FROM_CURRENT, CHANGE_TO_NEW, Challenge, Errand
from freehold.runtime.auth.redirects import redirect_target
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User, read_time, user_json
from freehold.runtime.database import Connection

FRESH_SIGN_IN = timedelta(hours=24)


async def get_user(auth: Auth, request: Request, signed: Signed) -> Response:
    """Give the signed-in user."""
    del auth, request
    return ok(user_json(signed.user))


async def update_user(auth: Auth, request: Request, signed: Signed) -> Response:
    """Change password, data or address; a new address only counts when its mails are confirmed."""
    body = request.json()
    user, data = signed.user, accounts.mapping(body, "data")
    email = accounts.valid_email(body["email"]) if body.get("email") else ""
    password, challenge = accounts.text(body, "password"), links.read_challenge(body)
    if password:
        passwords.check_strength(auth.config, password)
    _check_may_change(body, signed, email, password)
    if email and email != user.email and await accounts.find_holder_of_email(auth.pool, email, user.id):
        raise email_exists()
    stored = await _new_hash(auth, body, signed, password)
    is_new_email = bool(email) and email != user.email
    async with auth.mailing_transaction() if is_new_email else auth.pool.transaction() as connection:
        locked = await accounts.lock(connection, user.id)
        if stored:
            record = audit.by_user(request, locked, "user_updated_password")
            await connection.run([*accounts.password_statements(user.id, stored, signed.session_id), record])
        if data is not None:
            await connection.run([statement("merge_user_metadata", user.id, data)])
        if is_new_email and email != locked.email:
            await _change_email(auth, connection, request, locked, email, challenge)
        await connection.run([audit.by_user(request, locked, "user_modified")])
        return ok(user_json(await accounts.read(connection, user.id)))


async def send_email_change(  # noqa: PLR0913, PLR0917 - one mail to each of two addresses
    auth: Auth, connection: Connection, request: Request, user: User, email: str, challenge: Challenge
) -> None:
    """Mail the new address, and the old one too where both have to confirm; `user` is locked."""
    links.check_interval(auth.config, user.sent_at("email_change_sent_at"))
    await connection.run([statement("begin_email_change", user.id, email)])
    changing = await accounts.read(connection, user.id)
    target = redirect_target(auth.config, request)
    if auth.config.double_confirm_changes and user.email:
        errand = Errand(kind=CHANGE_FROM_CURRENT, user=changing, redirect_to=target, challenge=challenge)
        await links.send(auth, connection, errand)
    errand = Errand(kind=CHANGE_TO_NEW, user=changing, redirect_to=target, challenge=challenge, address=email)
    await links.send(auth, connection, errand)


async def delete_identity(auth: Auth, request: Request, signed: Signed) -> Response:
    """Take one way to sign in away, never the last one."""
    if not auth.config.manual_linking:
        raise ApiError(404, "manual_linking_disabled", "Manual linking is disabled")
    identity_id = _identity_id(request)
    async with auth.pool.transaction() as connection:
        user = await accounts.lock(connection, signed.user.id)
        if len(user.identities) <= 1:
            message = "User must have at least 1 identity after unlinking"
            raise ApiError(422, "single_identity_not_deletable", message)
        identity = next((item for item in user.identities if item["id"] == str(identity_id)), None)
        if identity is None:
            raise ApiError(422, "identity_not_found", "Identity doesn't exist")
        traits = {"identity_id": identity["id"]} | {name: identity[name] for name in ("provider", "provider_id")}
        record = audit.by_user(request, user, "identity_unlinked", traits)
        await connection.run([statement("delete_identity", identity_id, user.id), record])
        await _keep_addresses_true(auth, connection, user, identity)
        await connection.run([statement("update_providers", user.id)])
    return ok({})


def _check_may_change(body: Json, signed: Signed, email: str, password: str) -> None:
    user = signed.user
    if "app_metadata" in body and body["app_metadata"] is not None:
        raise ApiError(403, "not_admin", "Updating app_metadata requires admin privileges")
    if body.get("phone") and accounts.valid_phone(body["phone"]) != user.phone:
        raise ApiError(422, "sms_send_failed", "Unable to get SMS provider")
    changes_email = bool(email) and email != user.email
    if user.has_verified_factor and not signed.is_second_level and (password or changes_email):
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise ApiError(401, "insufficient_aal", message)
    if user.is_anonymous and password and not email:
        message = "Updating password of an anonymous user without an email or phone is not allowed"
        raise ApiError(422, "validation_failed", message)
    if user.row["is_sso_user"] and (password or changes_email or body.get("nonce")):
        message = "Updating email, phone, password of a SSO account only possible via SSO"
        raise ApiError(422, "user_sso_managed", message)


async def _new_hash(auth: Auth, body: Json, signed: Signed, password: str) -> str:
    """Check that the password may be changed and hash the new one; "" when none is given."""
    if not password:
        return ""
    user = signed.user
    if auth.config.secure_password_change and not _is_fresh(signed):
        await _check_nonce(auth, user, accounts.text(body, "nonce"))
    if user.password_hash and await passwords.matches(user.password_hash, password):
        raise ApiError(422, "same_password", "New password should be different from the old password.")
    return await passwords.hashed(password)


def _is_fresh(signed: Signed) -> bool:
    started = read_time(signed.session["created_at"]) if signed.session else None
    return started is not None and datetime.now(UTC) - started < FRESH_SIGN_IN


async def _check_nonce(auth: Auth, user: User, nonce: str) -> None:
    if not nonce:
        raise ApiError(400, "reauthentication_needed", "Password update requires reauthentication")
    await limits.reserve(auth.pool, limits.CODES, user.email)
    async with auth.pool.transaction() as connection:
        locked = await accounts.lock(connection, user.id)
        sent, stored = locked.sent_at("reauthentication_sent_at"), locked.text("reauthentication_token")
        age = (datetime.now(UTC) - sent).total_seconds() if sent else auth.config.otp_expiry + 1
        given = one_time.hash_of_code(user.email, nonce)
        if not stored or age > auth.config.otp_expiry or not hmac.compare_digest(given, stored):
            raise ApiError(422, "reauthentication_not_valid", "Nonce has expired or is invalid")
        await connection.run(
            [statement("clear_reauthentication", user.id), statement("clear_one_time_tokens", user.id)]
        )
    await limits.forgive(auth.pool, limits.CODES, user.email)


async def _change_email(  # noqa: PLR0913, PLR0917 - as send_email_change
    auth: Auth, connection: Connection, request: Request, user: User, email: str, challenge: Challenge
) -> None:
    if not (user.is_anonymous and auth.config.autoconfirm):
        await connection.run(links.flow_statement(user.id, challenge, "email_change"))
        await send_email_change(auth, connection, request, user, email, challenge)
        return
    # An anonymous user who adds an address signs up with it: where addresses confirm themselves, so does this one.
    await connection.run([statement("begin_email_change", user.id, email)])
    await finish_email_change(connection, await accounts.read(connection, user.id))


async def finish_email_change(connection: Connection, user: User) -> None:
    """Make the new address the user's own and its identity's; `user` is locked."""
    data: Json = {"email": user.text("email_change"), "email_verified": True}
    if user.identity("email") is None:
        change = accounts.identity_statement(user.id, "email", data)
    else:
        change = statement("update_identity", user.id, "email", data)
    await connection.run(
        [
            change,
            statement("finish_email_change", user.id),
            statement("clear_one_time_tokens", user.id),
            *([] if user.is_confirmed else [statement("confirm_email", user.id)]),
            statement("update_providers", user.id),
        ]
    )


def _identity_id(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.parts[0])
    except ValueError as error:
        raise ApiError(404, "validation_failed", "identity_id must be an UUID") from error


async def _keep_addresses_true(auth: Auth, connection: Connection, user: User, gone: Json) -> None:
    """After an identity went, the user's address must be one that is still proved."""
    if gone["provider"] == "phone":
        await connection.run([statement("unconfirm_phone", user.id)])
        return
    left = [item for item in user.identities if item["id"] != gone["id"]]
    if any((item["email"] or "") == user.email.lower() for item in left):
        return
    for identity in sorted(left, key=_rank):
        email = identity["email"] or ""
        if email and await accounts.find_holder_of_email(connection, email, user.id):
            continue
        await connection.run([statement("set_email", user.id, email or None), statement("clear_pending", user.id)])
        await connection.run([statement("clear_one_time_tokens", user.id)])
        if _rank(identity) and not (email and auth.config.autoconfirm):
            await connection.run([statement("unconfirm_email", user.id)])
        return
    raise ApiError(422, "email_conflict_identity_not_deletable", "Unable to unlink identity due to email conflict")


def _rank(identity: Json) -> int:
    """Order identities: a proved address first, then any address, then none."""
    if not identity["email"]:
        return 2
    return 0 if (identity["identity_data"] or {}).get("email_verified") is True else 1
