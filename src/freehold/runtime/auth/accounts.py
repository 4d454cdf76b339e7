"""Finding, checking and making users: what several endpoints share."""

import re
import uuid
from dataclasses import dataclass

from freehold.runtime.auth.config import AuthConfig
from freehold.runtime.auth.errors import ApiError, email_exists, invalid, unexpected
from freehold.runtime.auth.http import Json
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import AUDIENCE, User, read_user
from freehold.runtime.database import Connection, DatabaseError, Pool, Statement

LONGEST_EMAIL = 255
ROLE = "authenticated"
UNIQUE_VIOLATION = "23505"
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*",
    re.IGNORECASE,
)
_PHONE = re.compile(r"[1-9][0-9]{1,14}")


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user to be made."""

    id: uuid.UUID
    email: str = ""
    phone: str = ""
    password_hash: str = ""
    audience: str = AUDIENCE
    role: str = ROLE
    user_metadata: Json
    providers: tuple[str, ...]


def valid_email(value: object) -> str:
    """Give the address in lower case; raises ApiError when it is none."""
    text = value if isinstance(value, str) else ""
    if not text:
        raise invalid("An email address is required")
    if len(text.encode()) > LONGEST_EMAIL:
        raise invalid("An email address is too long")
    if not _EMAIL.fullmatch(text):
        raise invalid("Unable to validate email address: invalid format")
    return text.lower()


def valid_phone(value: object) -> str:
    """Give the number in E.164 without "+"; raises ApiError when it is none."""
    text = plain_phone(value)
    if not _PHONE.fullmatch(text):
        raise invalid("Invalid phone number format (E.164 required)")
    return text


def plain_phone(value: object) -> str:
    """Take "+" and blanks out of a number."""
    return re.sub(r"[+\s]", "", value) if isinstance(value, str) else ""


def text(body: Json, name: str) -> str:
    """Give a text of the body, "" without one; raises ApiError bad_json for another type."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ApiError(400, "bad_json", f"Could not parse request body as JSON: {name} must be a string")
    return value


def mapping(body: Json, name: str) -> Json | None:
    """Give an object of the body, None without one; raises ApiError bad_json for another type."""
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise ApiError(400, "bad_json", f"Could not parse request body as JSON: {name} must be an object")
    return value


def flag(body: Json, name: str, *, default: bool = False) -> bool:
    """Give a truth value of the body; raises ApiError bad_json for another type."""
    value = body.get(name, default)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ApiError(400, "bad_json", f"Could not parse request body as JSON: {name} must be a boolean")
    return value


async def find_by_email(pool: Pool | Connection, email: str, audience: str = AUDIENCE) -> User | None:
    """Find the user who signs in with this address."""
    return read_user((await pool.run([statement("user_by_email", email.lower(), audience)]))[0])


async def find_by_phone(pool: Pool | Connection, phone: str, audience: str = AUDIENCE) -> User | None:
    """Find the user who signs in with this number."""
    return read_user((await pool.run([statement("user_by_phone", phone, audience)]))[0])


async def find_holder_of_email(pool: Pool | Connection, email: str, but: uuid.UUID | None = None) -> User | None:
    """Find a user other than `but` who has this address, also by an identity."""
    return read_user((await pool.run([statement("user_by_identity_email", email, AUDIENCE, but)]))[0])


async def lock(connection: Connection, user_id: uuid.UUID) -> User:
    """Read a user again and hold the row until the transaction ends."""
    user = read_user((await connection.run([statement("lock_user", user_id)]))[0])
    if user is None:
        raise ApiError(404, "user_not_found", "User not found")
    return user


async def read(connection: Connection, user_id: uuid.UUID) -> User:
    """Read a user as it is now within the transaction: triggers of the app may have changed it."""
    user = read_user((await connection.run([statement("user_by_id", user_id)]))[0])
    if user is None:
        raise unexpected("Database error loading user after sign-up")
    return user


async def create(connection: Connection, new: NewUser, *, adopt: bool, identity_data: Json | None = None) -> None:
    """Insert a user with an identity for each address; other providers' identities are the caller's.

    `adopt` copies the identity's data into the user's metadata.

    Triggers on auth.users run here; what they raise becomes 500 "Database error saving new user".
    """
    try:
        await connection.run(_insert(new, adopt=adopt, identity_data=identity_data or {}))
    except DatabaseError as error:
        if error.sqlstate == UNIQUE_VIOLATION and "users_email_partial_key" in error.message:
            raise email_exists() from error
        raise unexpected("Database error saving new user") from error


def identity_statement(user_id: uuid.UUID, provider: str, data: Json) -> Statement:
    """Insert an identity whose id at the provider is the user's own: e-mail and phone."""
    base: Json = {"sub": str(user_id), "email_verified": False, "phone_verified": False}
    return statement("insert_identity", str(user_id), user_id, base | data, provider)


def confirm_statements(user_id: uuid.UUID) -> list[Statement]:
    """Mark the e-mail address as confirmed and end every code and link on the way."""
    return [statement("confirm_email", user_id), statement("clear_one_time_tokens", user_id)]


def password_statements(user_id: uuid.UUID, stored: str, keep_session: str = "") -> list[Statement]:
    """Store a new password, end every code and link on the way and every session but `keep_session`."""
    leave = statement("log_out_others", user_id, keep_session) if keep_session else statement("log_out", user_id)
    return [
        statement("set_password", user_id, stored or None),
        statement("clear_one_time_tokens", user_id),
        leave,
    ]


def require_email_sign_in(config: AuthConfig, status: int = 400) -> None:
    """Raise ApiError where signing in by e-mail is switched off."""
    if not config.email_enabled:
        raise ApiError(status, "email_provider_disabled", "Email logins are disabled")


def _insert(new: NewUser, *, adopt: bool, identity_data: Json) -> list[Statement]:
    app_metadata: Json = {"provider": new.providers[0], "providers": list(new.providers)} if new.providers else {}
    statements = [
        statement(
            "insert_user",
            new.id,
            new.audience,
            new.role,
            new.email,
            new.phone,
            new.password_hash,
            app_metadata,
            new.user_metadata,
            not new.providers,
        )
    ]
    addresses = {"email": {"email": new.email}, "phone": {"phone": new.phone}}
    statements += [
        identity_statement(new.id, provider, identity_data | addresses[provider])
        for provider in new.providers
        if provider in addresses
    ]
    if adopt:
        statements.append(statement("adopt_identity_metadata", new.id, new.providers[0]))
    return statements
