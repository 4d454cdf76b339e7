"""GET and POST /verify: taking a code or a link, exactly once.

The user's row is locked before anything is compared, and a link's token is deleted by the statement that finds it:
of two requests with the same proof one wins and the other finds nothing.
"""

import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from freehold.platform.credentials import one_time
from freehold.runtime.auth import accounts, audit, limits, passwords, tokens
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, banned, expired_code, expired_link, invalid
from freehold.runtime.auth.http import Json, Request, Response, ok, redirect
from freehold.runtime.auth.redirects import redirect_target, with_error, with_fragment, with_message, with_query
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.user import finish_email_change
from freehold.runtime.auth.users import User, read_user
from freehold.runtime.database import Connection

ONE_OF_TWO = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
_COLUMNS = {
    "signup": ("confirmation_token",),
    "invite": ("confirmation_token",),
    "recovery": ("recovery_token",),
    "magiclink": ("recovery_token",),
    "email": ("confirmation_token", "recovery_token"),
    "email_change": ("email_change_token_current", "email_change_token_new"),
}
_SENT_AT = {
    "confirmation_token": "confirmation_sent_at",
    "recovery_token": "recovery_sent_at",
    "email_change_token_current": "email_change_sent_at",
    "email_change_token_new": "email_change_sent_at",
}
_METHODS = {"signup": "email/signup", "email": "magiclink"}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was proved: a user (locked), the column whose code or token it was, and the type it was sent as."""

    user: User
    column: str
    type: str


async def verify_link(auth: Auth, request: Request) -> Response:
    """Follow a mail's link: back to the app with a session in the fragment, a PKCE code, or an error."""
    kind, token = request.query.get("type", ""), request.query.get("token", "")
    target = redirect_target(auth.config, request)
    if not kind:
        raise invalid("Verify requires a verification type")
    if not token:
        raise invalid("Verify requires a token or a token hash")
    is_pkce = token.startswith(one_time.PKCE_PREFIX)
    try:
        await _count(auth, request)
        async with auth.pool.transaction() as connection:
            proof = await _by_hash(auth, connection, kind, token)
            if await _accept(auth, connection, request, proof) is None:
                return redirect(with_message(target, ONE_OF_TWO, is_pkce=is_pkce))
            if is_pkce:
                return redirect(with_query(target, {"code": await _auth_code(connection, proof, kind)}))
            session = await tokens.open_session(auth, connection, request, proof.user.id, "otp")
    except ApiError as error:
        return redirect(with_error(target, error, is_pkce=is_pkce))
    return redirect(with_fragment(target, _fragment(session, kind)))


async def verify_code(auth: Auth, request: Request) -> Response:
    """Take a code with its address, or a link's token, and give a session."""
    body = request.json()
    kind, token, token_hash, email, phone = (
        accounts.text(body, name) for name in ("type", "token", "token_hash", "email", "phone")
    )
    if not kind:
        raise invalid("Verify requires a verification type")
    if bool(token) == bool(token_hash):
        raise invalid("Verify requires either a token or a token hash")
    if token_hash and (email or phone or accounts.text(body, "redirect_to")):
        raise invalid("Only the token_hash and type should be provided")
    if token and bool(email) == bool(phone):
        raise invalid("Only an email address or phone number should be provided on verify")
    await _count(auth, request)
    if phone:
        accounts.valid_phone(phone)
        raise expired_code()  # no messages are sent, so no code can be right
    address = accounts.valid_email(email) if email else ""
    if address:
        await limits.reserve(auth.pool, limits.CODES, address)
    async with auth.pool.transaction() as connection:
        if address:
            proof = await _by_code(auth, connection, kind, address, token)
        else:
            proof = await _by_hash(auth, connection, kind, token_hash)
        accepted = await _accept(auth, connection, request, proof)
        session = accepted and await tokens.open_session(auth, connection, request, accepted, "otp")
    if address:
        await limits.forgive(auth.pool, limits.CODES, address)
    return ok(session or {"msg": ONE_OF_TWO, "code": "200"})


async def _count(auth: Auth, request: Request) -> None:
    limit = limits.Limit(name="verify", most=auth.config.limits.verifications_per_5_minutes, window_seconds=300)
    await limits.count_client(auth.pool, request, limit)


async def _by_hash(auth: Auth, connection: Connection, kind: str, token_hash: str) -> Proof:
    """Find whose link this is and use it up."""
    columns = _COLUMNS.get(kind)
    if columns is None:
        raise invalid("Invalid email verification type")
    names = "{" + ",".join(columns) + "}"
    results = await connection.run([statement("find_one_time_token", token_hash, names)])
    if not results[0].rows:
        raise expired_link()
    # The user's row first, as everywhere: taking the token first could deadlock with a code of the same mail.
    user = await accounts.lock(connection, uuid.UUID((results[0].rows[0][0] or b"").decode()))
    results = await connection.run([statement("take_one_time_token", token_hash, names)])
    if not results[0].rows:
        raise expired_link()
    column = (results[0].rows[0][0] or b"").decode()
    if user.is_banned:
        raise banned()
    if _is_expired(auth, user, column):
        raise expired_link()
    return Proof(user=user, column=column, type=_sent_as(kind, column))


async def _by_code(auth: Auth, connection: Connection, kind: str, address: str, code: str) -> Proof:
    """Find the user by the address the code was sent to and compare in constant time."""
    columns = _COLUMNS.get(kind)
    if columns is None:
        raise invalid("Unsupported verification type")
    name = "user_by_pending_email" if kind == "email_change" else "user_by_email"
    found = read_user((await connection.run([statement(name, address, "authenticated")]))[0])
    if found is None:
        raise expired_code()
    user = await accounts.lock(connection, found.id)
    if user.is_banned:
        raise banned()
    wanted = one_time.hash_of_code(address, code)
    for column in columns:
        stored = user.text(column).removeprefix(one_time.PKCE_PREFIX)
        if stored and hmac.compare_digest(stored, wanted) and not _is_expired(auth, user, column):
            return Proof(user=user, column=column, type=_sent_as(kind, column))
    raise expired_code()


def _is_expired(auth: Auth, user: User, column: str) -> bool:
    sent = user.sent_at(_SENT_AT[column])
    return sent is None or (datetime.now(UTC) - sent).total_seconds() > auth.config.otp_expiry


def _sent_as(kind: str, column: str) -> str:
    """`email` stands for whichever mail the code came with."""
    if kind != "email":
        return kind
    return "signup" if column == "confirmation_token" else "magiclink"


async def _accept(auth: Auth, connection: Connection, request: Request, proof: Proof) -> uuid.UUID | None:
    """Do what the proof was for; None when the other half of a change of address is still missing."""
    user = proof.user
    if proof.type == "email_change":
        if not user.text("email_change"):
            raise expired_link()
        if _is_first_half(auth, user):
            await _keep_first_half(connection, proof)
            return None
        await connection.run([audit.by_user(request, user, "user_modified")])
        await finish_email_change(connection, user)
        return user.id
    if proof.type in {"signup", "invite"}:
        await _confirm_sign_up(connection, request, user)
    else:
        await _recover(connection, request, user)
    await connection.run([statement("update_providers", user.id)])
    return user.id


def _is_first_half(auth: Auth, user: User) -> bool:
    is_double = not auth.config.autoconfirm and auth.config.double_confirm_changes
    return is_double and bool(user.email) and not user.row["email_change_confirm_status"]


async def _keep_first_half(connection: Connection, proof: Proof) -> None:
    await connection.run(
        [
            statement("first_half_of_email_change", proof.user.id, proof.column),
            statement("clear_one_time_token", proof.user.id, proof.column),
        ]
    )


async def _confirm_sign_up(connection: Connection, request: Request, user: User) -> None:
    if not user.password_hash and user.sent_at("invited_at") is not None:
        # An invited user has no password yet; one that nobody knows keeps "no password" from meaning "any".
        stored = await passwords.hashed(passwords.random_password()[:64])
        await connection.run(accounts.password_statements(user.id, stored))
    await connection.run(
        [
            audit.by_user(request, user, "user_signedup", {"provider": "email"}),
            *accounts.confirm_statements(user.id),
            statement("mark_identity_verified", user.id),
        ]
    )


async def _recover(connection: Connection, request: Request, user: User) -> None:
    record = audit.by_user(request, user, "login" if user.is_confirmed else "user_signedup")
    used = [statement("clear_recovery", user.id), statement("clear_one_time_tokens", user.id), record]
    await connection.run([*used, *([] if user.is_confirmed else accounts.confirm_statements(user.id))])


async def _auth_code(connection: Connection, proof: Proof, kind: str) -> str:
    method = _METHODS.get(kind, kind)
    results = await connection.run([statement("issue_auth_code", proof.user.id, method)])
    if not results[0].rows:
        raise ApiError(400, "flow_state_not_found", "No associated flow state found.")
    return (results[0].rows[0][0] or b"").decode()


def _fragment(session: Json, kind: str) -> dict[str, str]:
    names = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")
    return {name: str(session[name]) for name in names} | {"type": kind, "sb": ""}
