"""POST /invite and /admin/generate_link: bringing people in with the server's own key."""

import uuid

from freehold.runtime.auth import accounts, audit, links, passwords
from freehold.runtime.auth.accounts import NewUser
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, email_exists, invalid
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.links import (
    CHANGE_FROM_CURRENT,
    CHANGE_TO_NEW,
    CONFIRMATION,
    INVITATION,
    MAGIC_LINK,
    RECOVERY,
    Errand,
    Kind,
    Made,
)
from freehold.runtime.auth.mails import Link, action_link
from freehold.runtime.auth.redirects import redirect_target
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User, user_json
from freehold.runtime.database import Connection, Statement

_KINDS = {
    "magiclink": MAGIC_LINK,
    "recovery": RECOVERY,
    "invite": INVITATION,
    "signup": CONFIRMATION,
    "email_change_current": CHANGE_FROM_CURRENT,
    "email_change_new": CHANGE_TO_NEW,
}


async def invite(auth: Auth, request: Request) -> Response:
    """Make an unconfirmed user and mail the invitation; an unconfirmed one is invited again."""
    body = request.json()
    email = accounts.valid_email(body.get("email"))
    async with auth.mailing_transaction() as connection:
        user = await _unconfirmed(connection, email, accounts.mapping(body, "data") or {}, "")
        await connection.run([_record(request, user)])
        target = redirect_target(auth.config, request)
        await links.send(auth, connection, Errand(kind=INVITATION, user=user, redirect_to=target))
        return ok(user_json(await accounts.read(connection, user.id)))


async def generate_link(auth: Auth, request: Request) -> Response:
    """Make a link without mailing it; gives the user with action_link, email_otp and hashed_token."""
    body = request.json()
    email, kind = accounts.valid_email(body.get("email")), accounts.text(body, "type")
    password = accounts.text(body, "password")
    user = await accounts.find_by_email(auth.pool, email)
    if user is None and kind == "magiclink":
        kind, password = "signup", passwords.random_password()[:64]
    if user is None and kind in {"recovery", "email_change_current", "email_change_new"}:
        raise ApiError(404, "user_not_found", "User with this email not found")
    if kind not in _KINDS:
        raise invalid(f"Invalid email action link type requested: {kind}")
    if user is None and kind == "signup":
        if not password:
            raise invalid("Signup requires a valid password")
        passwords.check_strength(auth.config, password)
    stored = await passwords.hashed(password) if user is None and kind == "signup" else ""
    target = redirect_target(auth.config, request, accounts.text(body, "redirect_to"))
    async with auth.pool.transaction() as connection:
        locked = await _subject(auth, connection, request, kind, body, stored)
        address = locked.text("email_change") if kind == "email_change_new" else email
        made = await links.make(auth.config, connection, _KINDS[kind], locked, address)
        found = user_json(await accounts.read(connection, locked.id))
    return ok(found | _link(auth, kind, made, target))


async def _subject(  # noqa: PLR0913, PLR0917 - everything a link may be about
    auth: Auth, connection: Connection, request: Request, kind: str, body: Json, stored: str
) -> User:
    """Give the locked user the link is for, as it has to be before the link is made."""
    email, data = accounts.valid_email(body.get("email")), accounts.mapping(body, "data") or {}
    if kind in {"invite", "signup"}:
        user = await _unconfirmed(connection, email, data, stored)
        if kind == "signup":
            await connection.run([statement("merge_user_metadata", user.id, data)])
        else:
            await connection.run([_record(request, user)])
        return user
    known = await accounts.find_by_email(connection, email)
    if known is None:
        raise ApiError(404, "user_not_found", "User with this email not found")
    user = await accounts.lock(connection, known.id)
    if kind in {"email_change_current", "email_change_new"}:
        return await _changing(auth, connection, user, kind, body)
    await connection.run([audit.by_user(request, user, "user_recovery_requested")])
    return user


async def _unconfirmed(connection: Connection, email: str, data: Json, stored: str) -> User:
    known = await accounts.find_holder_of_email(connection, email)
    if known is not None:
        if known.is_confirmed:
            raise email_exists()
        return await accounts.lock(connection, known.id)
    new = NewUser(id=uuid.uuid4(), email=email, password_hash=stored, user_metadata=data, providers=("email",))
    await accounts.create(connection, new, adopt=False)
    return await accounts.lock(connection, new.id)


async def _changing(auth: Auth, connection: Connection, user: User, kind: str, body: Json) -> User:
    if kind == "email_change_current" and not auth.config.double_confirm_changes:
        raise invalid("Enable secure email change to generate link for current email")
    new_email = accounts.valid_email(body.get("new_email"))
    if await accounts.find_holder_of_email(connection, new_email, user.id):
        raise email_exists()
    if user.text("email_change") != new_email:
        await connection.run([statement("begin_email_change", user.id, new_email)])
    return await accounts.read(connection, user.id)


def _record(request: Request, user: User) -> Statement:
    traits = {"user_id": str(user.id), "user_email": user.email}
    return audit.by_admin(request, "user_invited", traits)


def _link(auth: Auth, kind: str, made: Made, target: str) -> Json:
    of: Kind = _KINDS[kind]
    link = Link(
        template=of.template,
        to="",
        type=of.type,
        code=made.code,
        token=made.token,
        redirect_to=target,
        email="",
        data={},
    )
    return {
        "action_link": action_link(auth.config, link),
        "email_otp": made.code,
        "hashed_token": made.token,
        "verification_type": kind,
        "redirect_to": target,
    }
