"""Making codes and links, storing them and sending them, each within the transaction that needs them."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from freehold.platform.credentials import one_time
from freehold.runtime.auth.config import AuthConfig
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, invalid, unexpected
from freehold.runtime.auth.http import Json
from freehold.runtime.auth.limits import count_mail
from freehold.runtime.auth.mails import Link, write_mail
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User
from freehold.runtime.database import Connection, Statement
from freehold.runtime.mail.mailer import MailNotSent

_CHALLENGE = re.compile(r"[a-zA-Z0-9._~-]+")
CHALLENGE_LENGTHS = range(43, 129)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of mail. `column` of auth.users holds the code's hash; it is also the name of the token's type."""

    template: str
    type: str
    set_code: str
    column: str
    sent_at: str
    failure: str


CONFIRMATION = Kind(
    template="confirmation",
    type="signup",
    set_code="set_confirmation",
    sent_at="confirmation_sent_at",
    failure="Error sending confirmation email",
    column="confirmation_token",
)
INVITATION = Kind(
    template="invite",
    type="invite",
    set_code="set_invitation",
    sent_at="",
    failure="Error sending invite email",
    column="confirmation_token",
)
RECOVERY = Kind(
    template="recovery",
    type="recovery",
    set_code="set_recovery",
    sent_at="recovery_sent_at",
    failure="Error sending recovery email",
    column="recovery_token",
)
MAGIC_LINK = Kind(
    template="magic_link",
    type="magiclink",
    set_code="set_recovery",
    sent_at="recovery_sent_at",
    failure="Error sending magic link email",
    column="recovery_token",
)
REAUTHENTICATION = Kind(
    template="reauthentication",
    type="reauthentication",
    set_code="set_reauthentication",
    sent_at="reauthentication_sent_at",
    failure="Error sending reauthentication email",
    column="reauthentication_token",
)
CHANGE_TO_NEW = Kind(
    template="email_change",
    type="email_change",
    set_code="set_email_change_new",
    sent_at="email_change_sent_at",
    failure="Error sending email change email",
    column="email_change_token_new",
)
CHANGE_FROM_CURRENT = Kind(
    template="email_change",
    type="email_change",
    set_code="set_email_change_current",
    sent_at="email_change_sent_at",
    failure="Error sending email change email",
    column="email_change_token_current",
)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A PKCE challenge; empty in the implicit flow."""

    value: str = ""
    method: str = ""

    @property
    def is_given(self) -> bool:
        """Whether this is the PKCE flow."""
        return bool(self.value)


def read_challenge(body: Json) -> Challenge:
    """Read code_challenge and code_challenge_method; raises ApiError for a half or malformed one."""
    value, method = str(body.get("code_challenge") or ""), str(body.get("code_challenge_method") or "").lower()
    if bool(value) != bool(method):
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if not value:
        return Challenge()
    if len(value) not in CHALLENGE_LENGTHS:
        raise invalid("code challenge has to be between 43 and 128 characters")
    if not _CHALLENGE.fullmatch(value):
        raise invalid(
            "code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes"
        )
    if method not in {"s256", "plain"}:
        raise invalid(f'unsupported code_challenge method "{method}"')
    return Challenge(value=value, method=method)


def flow_statement(user_id: uuid.UUID, challenge: Challenge, method: str) -> list[Statement]:
    """Store the PKCE challenge that the link's session code will be exchanged with."""
    if not challenge.is_given:
        return []
    code = str(uuid.uuid4())
    return [statement("insert_flow", user_id, code, challenge.method, challenge.value, method, method)]


def check_interval(config: AuthConfig, sent_at: datetime | None) -> None:
    """Raise 429 when this user got such a mail a moment ago."""
    if sent_at is None:
        return
    left = config.mail_interval - (datetime.now(UTC) - sent_at).total_seconds()
    if left > 0:
        message = f"For security purposes, you can only request this after {int(left)} seconds."
        raise ApiError(429, "over_email_send_rate_limit", message)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A code and a link's token, stored."""

    code: str
    token: str


async def make(  # noqa: PLR0913 - who, what for, and where to
    config: AuthConfig, connection: Connection, kind: Kind, user: User, address: str, *, is_pkce: bool = False
) -> Made:
    """Make and store a code and a link's token for an address of the user."""
    prefix = one_time.PKCE_PREFIX if is_pkce else ""
    made = Made(code=one_time.new_code(config.otp_length), token=prefix + one_time.new_link_token())
    await connection.run(
        [
            statement(kind.set_code, user.id, prefix + one_time.hash_of_code(address, made.code)),
            statement("put_one_time_token", user.id, kind.column, made.token, address),
        ]
    )
    return made


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A mail to be made and sent; `user` is locked by the transaction. `address` defaults to the user's own."""

    kind: Kind
    user: User
    redirect_to: str
    challenge: Challenge = Challenge()
    address: str = ""


async def send(auth: Auth, connection: Connection, errand: Errand) -> None:
    """Make a code and a link and send them. Raises ApiError 429 above the project's limit, 500 when mail fails."""
    kind, user, to = errand.kind, errand.user, errand.address or errand.user.email
    await count_mail(connection, auth.config.limits.emails_per_hour)
    made = await make(auth.config, connection, kind, user, to, is_pkce=errand.challenge.is_given)
    link = Link(
        template=kind.template,
        to=to,
        type=kind.type,
        code=made.code,
        token=made.token,
        redirect_to=errand.redirect_to,
        email=user.email,
        new_email=user.text("email_change"),
        data=user.user_metadata,
    )
    try:
        await auth.mailer.send(write_mail(auth.config, link))
    except MailNotSent as error:
        raise unexpected(kind.failure) from error
