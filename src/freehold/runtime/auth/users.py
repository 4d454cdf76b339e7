"""A user as PostgreSQL gives it and as the app gets it: key order and omitted keys are GoTrue's."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from freehold.runtime.auth.http import Json
from freehold.runtime.database import Result

AUDIENCE = "authenticated"
_TIMES = (
    "email_confirmed_at",
    "invited_at",
    "phone_confirmed_at",
    "confirmation_sent_at",
    "confirmed_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "phone_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "created_at",
    "updated_at",
    "banned_until",
    "deleted_at",
)


@dataclass(frozen=True, kw_only=True)
class User:
    """One row of auth.users with its identities and factors. NULL and '' are the same in a real dump, so are here."""

    id: uuid.UUID
    row: Json = field(repr=False)
    times: dict[str, datetime | None]

    @property
    def email(self) -> str:
        """The address, "" without one."""
        return self.text("email")

    @property
    def phone(self) -> str:
        """The number in E.164 without "+", "" without one."""
        return self.text("phone")

    @property
    def password_hash(self) -> str:
        """The stored hash, "" without a password."""
        return self.text("encrypted_password")

    @property
    def identities(self) -> list[Json]:
        """Rows of auth.identities, oldest first."""
        found: list[Json] = self.row["identities"]
        return found

    @property
    def factors(self) -> list[Json]:
        """Rows of auth.mfa_factors, oldest first."""
        found: list[Json] = self.row["factors"]
        return found

    @property
    def user_metadata(self) -> Json:
        """What the user may change."""
        return self.row["raw_user_meta_data"] or {}

    @property
    def app_metadata(self) -> Json:
        """What only the server may change."""
        return self.row["raw_app_meta_data"] or {}

    @property
    def is_confirmed(self) -> bool:
        """Whether the e-mail address is confirmed."""
        return self.times["email_confirmed_at"] is not None

    @property
    def is_phone_confirmed(self) -> bool:
        """Whether the phone number is confirmed."""
        return self.times["phone_confirmed_at"] is not None

    @property
    def is_anonymous(self) -> bool:
        """Whether this user signed in without an identity."""
        return bool(self.row["is_anonymous"])

    @property
    def is_banned(self) -> bool:
        """Whether the user is banned now."""
        until = self.times["banned_until"]
        return until is not None and until > datetime.now(UTC)

    @property
    def has_verified_factor(self) -> bool:
        """Whether a second factor protects this account."""
        return any(factor["status"] == "verified" for factor in self.factors)

    def text(self, column: str) -> str:
        """Give a text column, "" for NULL."""
        return self.row.get(column) or ""

    def sent_at(self, column: str) -> datetime | None:
        """Give a time column."""
        return self.times[column]

    def identity(self, provider: str) -> Json | None:
        """Give the identity of a provider, None without one."""
        return next((item for item in self.identities if item["provider"] == provider), None)


def read_user(result: Result) -> User | None:
    """Read the first row of a statement that selects {user}; None when there is none."""
    if not result.rows or result.rows[0][0] is None:
        return None
    return user_of(orjson.loads(result.rows[0][0]))


def user_of(row: Json) -> User:
    """Read a user from the JSON of its row."""
    return User(id=uuid.UUID(row["id"]), row=row, times={name: read_time(row.get(name)) for name in _TIMES})


def user_json(user: User) -> Json:
    """Give the user as the app gets it."""
    row, times = user.row, {name: _time(value) for name, value in user.times.items()}
    found: list[tuple[str, Any]] = [
        ("id", row["id"]),
        ("aud", row["aud"] or ""),
        ("role", row["role"] or ""),
        ("email", user.email),
        ("email_confirmed_at", times["email_confirmed_at"]),
        ("invited_at", times["invited_at"]),
        ("phone", user.phone),
        ("phone_confirmed_at", times["phone_confirmed_at"]),
        ("confirmation_sent_at", times["confirmation_sent_at"]),
        ("confirmed_at", times["confirmed_at"]),
        ("recovery_sent_at", times["recovery_sent_at"]),
        ("new_email", user.text("email_change") or None),
        ("email_change_sent_at", times["email_change_sent_at"]),
        ("new_phone", user.text("phone_change") or None),
        ("phone_change_sent_at", times["phone_change_sent_at"]),
        ("reauthentication_sent_at", times["reauthentication_sent_at"]),
        ("last_sign_in_at", times["last_sign_in_at"]),
        ("app_metadata", user.app_metadata),
        ("user_metadata", user.user_metadata),
        ("factors", [factor_json(item) for item in user.factors] or None),
        ("identities", [identity_json(item) for item in user.identities]),
        ("created_at", times["created_at"]),
        ("updated_at", times["updated_at"]),
        ("banned_until", times["banned_until"]),
        ("deleted_at", times["deleted_at"]),
        ("is_anonymous", user.is_anonymous),
    ]
    return {name: value for name, value in found if value is not None}


def identity_json(row: Json) -> Json:
    """Give an identity as the app gets it; `id` is the provider's own id."""
    found: list[tuple[str, Any]] = [
        ("identity_id", row["id"]),
        ("id", row["provider_id"]),
        ("user_id", row["user_id"]),
        ("identity_data", row["identity_data"] or None),
        ("provider", row["provider"]),
        ("last_sign_in_at", _time(read_time(row["last_sign_in_at"]))),
        ("created_at", _time(read_time(row["created_at"]))),
        ("updated_at", _time(read_time(row["updated_at"]))),
        ("email", row["email"] or None),
    ]
    return {name: value for name, value in found if value is not None}


def factor_json(row: Json) -> Json:
    """Give a factor as the app gets it; its secret is never among it."""
    found: Json = {
        "id": row["id"],
        "created_at": _time(read_time(row["created_at"])),
        "updated_at": _time(read_time(row["updated_at"])),
        "status": row["status"],
    }
    if row["friendly_name"]:
        found["friendly_name"] = row["friendly_name"]
    found |= {
        "factor_type": row["factor_type"],
        "phone": row["phone"] or "",
        "last_challenged_at": _time(read_time(row["last_challenged_at"])),
    }
    if row["web_authn_aaguid"]:
        found["web_authn_aaguid"] = row["web_authn_aaguid"]
    return found


def read_time(text: str | None) -> datetime | None:
    """Read PostgreSQL's JSON form of a timestamp; without an offset it is UTC."""
    if text is None:
        return None
    if text.endswith("infinity"):
        return datetime.min.replace(tzinfo=UTC) if text.startswith("-") else datetime.max.replace(tzinfo=UTC)
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.replace(tzinfo=None).isoformat() + "Z"
