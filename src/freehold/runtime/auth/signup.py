"""POST /signup: by e-mail or phone with a password, or anonymously."""

import uuid
from datetime import UTC, datetime

from freehold.runtime.auth import accounts, audit, limits, links, passwords, tokens
from freehold.runtime.auth.accounts import NewUser
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.links import CONFIRMATION, Challenge, Errand
from freehold.runtime.auth.redirects import redirect_target
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User, user_json
from freehold.runtime.database import Connection


async def sign_up(auth: Auth, request: Request) -> Response:
    """Make a user: a session where addresses confirm themselves, else the bare user and a mail."""
    body = request.json()
    email, phone = accounts.text(body, "email"), accounts.text(body, "phone")
    if not email and not phone:
        return await _sign_up_anonymously(auth, request, body)
    limit = limits.Limit(name="sign-in", most=auth.config.limits.sign_ins_per_5_minutes, window_seconds=300)
    await limits.count_client(auth.pool, request, limit)
    if not auth.config.signup_enabled:
        raise ApiError(422, "signup_disabled", "Signups not allowed for this instance")
    _check_password(auth, body)
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on signup.")
    if email:
        return await sign_up_by_email(auth, request, email, body)
    return await _sign_up_by_phone(auth, request, phone, body)


async def sign_up_by_email(auth: Auth, request: Request, address: str, body: Json) -> Response:
    """Make a user by e-mail; `body` holds password, data and the PKCE challenge."""
    challenge = links.read_challenge(body)
    if not auth.config.email_enabled:
        raise ApiError(400, "email_provider_disabled", "Email signups are disabled")
    email, data = accounts.valid_email(address), accounts.mapping(body, "data") or {}
    # Hashed even for an address that is taken: the answer must not come sooner.
    stored = await passwords.hashed(accounts.text(body, "password"))
    known = await accounts.find_holder_of_email(auth.pool, email)
    if known is not None and known.is_confirmed:
        return _already_registered(auth, email, data)
    if known is not None and auth.config.autoconfirm:
        await _check_is_the_same_person(known, accounts.text(body, "password"))
    new = NewUser(id=uuid.uuid4(), email=email, password_hash=stored, user_metadata=data, providers=("email",))
    try:
        if auth.config.autoconfirm:
            return await _create_confirmed(auth, request, new, known)
        return await _create_unconfirmed(auth, request, new, known, challenge)
    except ApiError as error:
        if error.code != "email_exists":
            raise
        return _already_registered(auth, email, data)  # another request made the user meanwhile


def _check_password(auth: Auth, body: Json) -> None:
    password = accounts.text(body, "password")
    if not password:
        raise invalid("Signup requires a valid password")
    passwords.check_strength(auth.config, password)


async def _check_is_the_same_person(known: User, password: str) -> None:
    """An invited or unconfirmed account is not handed to whoever types its address: the password has to match."""
    if not known.password_hash or not await passwords.matches(known.password_hash, password):
        raise ApiError(422, "user_already_exists", "User already registered")


def _already_registered(auth: Auth, email: str, data: Json) -> Response:
    """Say so where that is no secret; else answer with a user that looks like a new one."""
    if auth.config.autoconfirm:
        raise ApiError(422, "user_already_exists", "User already registered")
    now = datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z"
    return ok(
        {
            "id": str(uuid.uuid4()),
            "aud": "authenticated",
            "role": "",
            "email": email,
            "phone": "",
            "confirmation_sent_at": now,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": data,
            "identities": [],
            "created_at": now,
            "updated_at": now,
            "is_anonymous": False,
        }
    )


async def _create_confirmed(auth: Auth, request: Request, new: NewUser, known: User | None) -> Response:
    async with auth.pool.transaction() as connection:
        user_id = await _create_or_find(connection, new, known)
        await connection.run(
            [
                *accounts.confirm_statements(user_id),
                audit.by_new_user(request, str(user_id), new.email, "user_signedup", {"provider": "email"}),
                audit.by_new_user(request, str(user_id), new.email, "login", {"provider": "email"}),
            ]
        )
        return ok(await tokens.open_session(auth, connection, request, user_id, "password"))


async def _create_unconfirmed(
    auth: Auth, request: Request, new: NewUser, known: User | None, challenge: Challenge
) -> Response:
    async with auth.mailing_transaction() as connection:
        user_id = await _create_or_find(connection, new, known)
        user = await accounts.lock(connection, user_id)
        links.check_interval(auth.config, user.sent_at("confirmation_sent_at"))
        record = audit.by_user(request, user, "user_confirmation_requested", {"provider": "email"})
        await connection.run([record, *links.flow_statement(user_id, challenge, "email/signup")])
        target = redirect_target(auth.config, request)
        errand = Errand(kind=CONFIRMATION, user=user, redirect_to=target, challenge=challenge)
        await links.send(auth, connection, errand)
        found = user_json(await accounts.read(connection, user_id))
    if "invited_at" in found:
        found |= {"user_metadata": {}, "identities": []}
    return ok(found)


async def _create_or_find(connection: Connection, new: NewUser, known: User | None) -> uuid.UUID:
    """Make the user, or take the unconfirmed one as it is: nobody has proved yet whose address it is."""
    if known is None:
        await accounts.create(connection, new, adopt=True, identity_data=new.user_metadata)
        return new.id
    if known.identity("email") is None:
        await connection.run(
            [
                accounts.identity_statement(known.id, "email", new.user_metadata | {"email": new.email}),
                statement("adopt_identity_metadata", known.id, "email"),
                statement("update_providers", known.id),
            ]
        )
    return known.id


async def _sign_up_by_phone(auth: Auth, request: Request, phone: str, body: Json) -> Response:
    """Make a user by phone where numbers confirm themselves: no messages are sent."""
    if not auth.config.phone_enabled:
        raise ApiError(400, "phone_provider_disabled", "Phone signups are disabled")
    if body.get("code_challenge"):
        raise invalid("PKCE not supported for phone signups")
    if auth.config.phone_confirmations:
        raise ApiError(422, "sms_send_failed", "Unable to get SMS provider")
    number = accounts.valid_phone(phone)
    if await accounts.find_by_phone(auth.pool, number) is not None:
        raise ApiError(422, "user_already_exists", "User already registered")
    stored = await passwords.hashed(accounts.text(body, "password"))
    data = accounts.mapping(body, "data") or {}
    new = NewUser(id=uuid.uuid4(), phone=number, password_hash=stored, user_metadata=data, providers=("phone",))
    async with auth.pool.transaction() as connection:
        await accounts.create(connection, new, adopt=True, identity_data=data)
        record = audit.by_new_user(request, str(new.id), number, "user_signedup", {"provider": "phone"})
        await connection.run([statement("confirm_phone", new.id), record])
        return ok(await tokens.open_session(auth, connection, request, new.id, "password"))


async def _sign_up_anonymously(auth: Auth, request: Request, body: Json) -> Response:
    if not auth.config.anonymous_enabled:
        raise ApiError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    limit = limits.Limit(name="anonymous", most=auth.config.limits.anonymous_users_per_hour, window_seconds=3600)
    await limits.count_client(auth.pool, request, limit)
    if not auth.config.signup_enabled:
        raise ApiError(422, "signup_disabled", "Signups not allowed for this instance")
    data = accounts.mapping(body, "data") or {}
    new = NewUser(id=uuid.uuid4(), user_metadata=data, providers=())
    async with auth.pool.transaction() as connection:
        await accounts.create(connection, new, adopt=False)
        return ok(await tokens.open_session(auth, connection, request, new.id, "anonymous"))
