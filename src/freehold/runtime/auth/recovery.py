"""Mails on request: /recover, /magiclink, /otp, /resend and /reauthenticate.

An address without a user gets the same answer as one with a user.
"""

from freehold.runtime.auth import accounts, audit, limits, links, passwords, signup
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid
from freehold.runtime.auth.guard import Signed
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.links import CONFIRMATION, MAGIC_LINK, REAUTHENTICATION, RECOVERY, Challenge, Errand, Kind
from freehold.runtime.auth.redirects import redirect_target
from freehold.runtime.auth.user import send_email_change
from freehold.runtime.auth.users import User

RESEND_TYPES = frozenset({"signup", "email_change", "sms", "phone_change"})
_METHODS = {"recovery": "recovery", "magiclink": "magiclink", "signup": "email/signup"}


async def recover(auth: Auth, request: Request) -> Response:
    """Mail a link to set a new password."""
    await _count(auth, request)
    accounts.require_email_sign_in(auth.config)
    body = request.json()
    if not body.get("email"):
        raise invalid("Password recovery requires an email")
    email, challenge = accounts.valid_email(body["email"]), links.read_challenge(body)
    user = await accounts.find_by_email(auth.pool, email)
    if user is not None:
        await _mail(auth, request, RECOVERY, user, challenge)
    return ok({})


async def magic_link(auth: Auth, request: Request) -> Response:
    """Mail a sign-in link; a new address is signed up."""
    await _count(auth, request)
    return await _sign_in_by_mail(auth, request, request.json())


async def one_time_password(auth: Auth, request: Request) -> Response:
    """Mail a code and a link; with `create_user: false` only to users."""
    await _count(auth, request)
    body = request.json()
    email, phone = accounts.text(body, "email"), accounts.text(body, "phone")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided")
    if email and accounts.text(body, "channel"):
        raise invalid("Channel should only be specified with Phone OTP")
    links.read_challenge(body)
    if not email and not phone:
        raise invalid("One of email or phone must be set")
    if phone:
        raise _no_messages(auth)
    if not accounts.flag(body, "create_user", default=True):
        user = await accounts.find_by_email(auth.pool, accounts.valid_email(email))
        if user is None:
            raise ApiError(422, "otp_disabled", "Signups not allowed for otp")
    return await _sign_in_by_mail(auth, request, body)


async def resend(auth: Auth, request: Request) -> Response:
    """Mail the confirmation of a sign-up or of a change of address once more."""
    await _count(auth, request)
    body = request.json()
    kind = accounts.text(body, "type")
    if kind not in RESEND_TYPES:
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    challenge = links.read_challenge(body)
    email, phone = accounts.text(body, "email"), accounts.text(body, "phone")
    if kind == "signup" and not email:
        raise invalid("Type provided requires an email address")
    if kind == "sms" and not phone:
        raise invalid("Type provided requires a phone number")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided.")
    if not email and not phone:
        raise invalid("Missing email address or phone number")
    if phone:
        return await _resend_by_phone(auth, kind, phone)
    accounts.require_email_sign_in(auth.config)
    user = await accounts.find_by_email(auth.pool, accounts.valid_email(email))
    if user is not None and kind == "signup" and not user.is_confirmed:
        await _mail(auth, request, CONFIRMATION, user, challenge)
    elif user is not None and kind == "email_change" and user.text("email_change"):
        await _mail_change(auth, request, user, challenge)
    return ok({})


async def reauthenticate(auth: Auth, request: Request, signed: Signed) -> Response:
    """Mail a nonce that a change of password asks for."""
    user = signed.user
    if not user.email:
        raise invalid("Reauthentication requires the user to have an email or a phone number")
    if not user.is_confirmed:
        raise ApiError(422, "email_not_confirmed", "Please verify your email first.")
    async with auth.mailing_transaction() as connection:
        locked = await accounts.lock(connection, user.id)
        links.check_interval(auth.config, locked.sent_at("reauthentication_sent_at"))
        await connection.run([audit.by_user(request, locked, "user_reauthenticate_requested")])
        target = redirect_target(auth.config, request)
        await links.send(auth, connection, Errand(kind=REAUTHENTICATION, user=locked, redirect_to=target))
    return ok({})


async def _sign_in_by_mail(auth: Auth, request: Request, body: Json) -> Response:
    accounts.require_email_sign_in(auth.config, 422)
    if not body.get("email"):
        raise ApiError(422, "validation_failed", "Password recovery requires an email")
    email, challenge = accounts.valid_email(body["email"]), links.read_challenge(body)
    user = await accounts.find_by_email(auth.pool, email)
    if user is None or not (user.is_confirmed or auth.config.autoconfirm):
        if not auth.config.signup_enabled:
            raise ApiError(422, "signup_disabled", "Signups not allowed for this instance")
        # A new user confirms the address with the first mail; the password is one that nobody knows.
        secret = {"password": passwords.random_password()[:64]}
        await signup.sign_up_by_email(auth, request, email, body | secret)
        if not auth.config.autoconfirm:
            return ok({})
        user = await accounts.find_by_email(auth.pool, email)
    if user is not None:
        await _mail(auth, request, MAGIC_LINK, user, challenge)
    return ok({})


async def _mail(auth: Auth, request: Request, kind: Kind, user: User, challenge: Challenge) -> None:
    async with auth.mailing_transaction() as connection:
        locked = await accounts.lock(connection, user.id)
        links.check_interval(auth.config, locked.sent_at(kind.sent_at))
        action = "user_confirmation_requested" if kind is CONFIRMATION else "user_recovery_requested"
        await connection.run(
            [
                audit.by_user(request, locked, action),
                *links.flow_statement(user.id, challenge, _METHODS[kind.type]),
            ]
        )
        target = redirect_target(auth.config, request)
        await links.send(auth, connection, Errand(kind=kind, user=locked, redirect_to=target, challenge=challenge))


async def _mail_change(auth: Auth, request: Request, user: User, challenge: Challenge) -> None:
    async with auth.mailing_transaction() as connection:
        locked = await accounts.lock(connection, user.id)
        await connection.run(links.flow_statement(user.id, challenge, "email_change"))
        await send_email_change(auth, connection, request, locked, locked.text("email_change"), challenge)


async def _resend_by_phone(auth: Auth, kind: str, phone: str) -> Response:
    if not auth.config.phone_enabled:
        raise ApiError(400, "phone_provider_disabled", "Phone logins are disabled")
    user = await accounts.find_by_phone(auth.pool, accounts.valid_phone(phone))
    if user is not None and not (kind == "sms" and user.is_phone_confirmed):
        raise _no_messages(auth)
    return ok({})


async def _count(auth: Auth, request: Request) -> None:
    limit = limits.Limit(name="mail-request", most=auth.config.limits.sign_ins_per_5_minutes, window_seconds=300)
    await limits.count_client(auth.pool, request, limit)


def _no_messages(auth: Auth) -> ApiError:
    if not auth.config.phone_enabled:
        return ApiError(400, "phone_provider_disabled", "Unsupported phone provider")
    return ApiError(422, "sms_send_failed", "Unable to get SMS provider")
