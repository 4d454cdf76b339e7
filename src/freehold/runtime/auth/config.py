"""The [auth] table of supabase/config.toml, parsed once at start; names and defaults as in the CLI's template.

What would weaken the app if it were ignored (a captcha, a hook that may refuse a sign-in) is refused at start.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from freehold.core.errors import BadUsage
from freehold.runtime.auth.providers.settings import ProviderSettings, read_providers
from freehold.runtime.settings import Settings
from freehold.runtime.table import Table, parse_duration

__all__ = ["LOOPBACK_HOSTS", "AuthConfig", "MailTemplate", "RateLimits", "parse_duration", "read_config"]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 - names to compare, not to bind
TEMPLATES = ("invite", "confirmation", "recovery", "magic_link", "email_change", "reauthentication")
_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_SYMBOLS = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
PASSWORD_REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "letters_digits": (_LOWER + _UPPER, _DIGITS),
    "lower_upper_letters_digits": (_LOWER, _UPPER, _DIGITS),
    "lower_upper_letters_digits_symbols": (_LOWER, _UPPER, _DIGITS, _SYMBOLS),
}
_HOOK = re.compile(r"pg-functions://[^/]*/([^/]+)/([^/]+)/?")


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """How often something may be done; None where there is no limit."""

    emails_per_hour: int | None
    """All mail of the project; counts only while mail leaves through SMTP."""
    anonymous_users_per_hour: int
    token_refresh_per_5_minutes: int
    sign_ins_per_5_minutes: int
    verifications_per_5_minutes: int


@dataclass(frozen=True, kw_only=True)
class MailTemplate:
    """A mail's subject and HTML in Go's template form; "" keeps our own."""

    subject: str = ""
    content: str = ""


@dataclass(frozen=True, kw_only=True)
class AuthConfig:
    """How people sign in to this app. Addresses have no trailing slash, durations are in seconds."""

    external_url: str
    """Where /auth/v1 is reached: the issuer of tokens and the base of the links in mails."""
    site_url: str
    redirect_urls: tuple[str, ...]
    jwt_expiry: int = 3600
    rotate_refresh_tokens: bool = True
    refresh_reuse_interval: int = 10
    session_timebox: float = 0
    session_inactivity: float = 0
    signup_enabled: bool = True
    anonymous_enabled: bool = False
    manual_linking: bool = False
    password_length: int = 6
    password_sets: tuple[str, ...] = ()
    email_enabled: bool = True
    email_confirmations: bool = False
    double_confirm_changes: bool = True
    secure_password_change: bool = False
    mail_interval: float = 1
    otp_length: int = 6
    otp_expiry: int = 3600
    phone_enabled: bool = False
    phone_confirmations: bool = False
    totp_enroll: bool = False
    totp_verify: bool = False
    factors_limit: int = 10
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    """Those that are switched on, by name; some may lack what they need."""
    access_token_hook: str = ""
    """schema.function, quoted for SQL; "" without the hook."""
    limits: RateLimits
    templates: Mapping[str, MailTemplate] = field(default_factory=dict)

    @property
    def autoconfirm(self) -> bool:
        """Whether an e-mail address counts as confirmed at once."""
        return not self.email_confirmations


def read_config(settings: Settings) -> AuthConfig:
    """Parse settings.auth; a wrong value raises BadUsage with its path."""
    table = Table(settings.auth, "auth")
    _refuse_what_is_not_served(table)
    email, sms, mfa, sessions = (table.table(name) for name in ("email", "sms", "mfa", "sessions"))
    totp = mfa.table("totp")
    return AuthConfig(
        external_url=f"{settings.public_url}/auth/v1",
        site_url=_site_url(table.text("site_url", ""), settings.public_url),
        redirect_urls=(settings.public_url, *table.texts("additional_redirect_urls")),
        jwt_expiry=table.number("jwt_expiry", table.number("access_token_expiry", 3600)),
        rotate_refresh_tokens=table.flag("enable_refresh_token_rotation", default=True),
        refresh_reuse_interval=table.number("refresh_token_reuse_interval", 10),
        session_timebox=sessions.duration("timebox", 0),
        session_inactivity=sessions.duration("inactivity_timeout", float(table.number("refresh_token_expiry", 0))),
        signup_enabled=table.flag("enable_signup", default=True),
        anonymous_enabled=table.flag("enable_anonymous_sign_ins", default=False),
        manual_linking=table.flag("enable_manual_linking", default=False),
        password_length=table.number("minimum_password_length", 6),
        password_sets=_password_sets(table.text("password_requirements", "")),
        email_enabled=email.flag("enable_signup", default=True),
        email_confirmations=email.flag("enable_confirmations", default=False),
        double_confirm_changes=email.flag("double_confirm_changes", default=True),
        secure_password_change=email.flag("secure_password_change", default=False),
        mail_interval=email.duration("max_frequency", 1),
        otp_length=min(max(email.number("otp_length", 6), 6), 10),
        otp_expiry=email.number("otp_expiry", 3600),
        phone_enabled=sms.flag("enable_signup", default=False),
        phone_confirmations=sms.flag("enable_confirmations", default=False),
        totp_enroll=totp.flag("enroll_enabled", default=False),
        totp_verify=totp.flag("verify_enabled", default=False),
        factors_limit=mfa.number("max_enrolled_factors", 10),
        providers=read_providers(table.table("external"), f"{settings.public_url}/auth/v1/callback"),
        access_token_hook=_access_token_hook(table.table("hook").table("custom_access_token")),
        limits=_limits(table.table("rate_limit"), mail_leaves=settings.smtp is not None),
        templates=_templates(email.table("template")),
    )


def _refuse_what_is_not_served(table: Table) -> None:
    if table.table("captcha").flag("enabled", default=False):
        raise BadUsage(
            "auth.captcha is on, and Freehold cannot check captchas yet",
            hint="set enabled = false under [auth.captcha] in supabase/config.toml",
        )
    hooks = table.table("hook")
    for name in hooks.names():
        if name != "custom_access_token" and hooks.table(name).flag("enabled", default=False):
            raise BadUsage(
                f"auth.hook.{name} is on, and Freehold does not call this hook yet",
                hint=f"set enabled = false under [auth.hook.{name}] in supabase/config.toml",
            )


def _site_url(configured: str, public_url: str) -> str:
    """A loopback address is the template's own, meant for `supabase start`; the app is served at `public_url`."""
    if not configured or (urlsplit(configured).hostname or "") in LOOPBACK_HOSTS:
        return public_url
    return configured.rstrip("/")


def _password_sets(requirements: str) -> tuple[str, ...]:
    if requirements not in PASSWORD_REQUIREMENTS:
        raise BadUsage(f"auth.password_requirements does not know {requirements!r}")
    return PASSWORD_REQUIREMENTS[requirements]


def _access_token_hook(hook: Table) -> str:
    if not hook.flag("enabled", default=False):
        return ""
    match = _HOOK.fullmatch(hook.text("uri", ""))
    if match is None:
        raise BadUsage(
            "auth.hook.custom_access_token.uri must be pg-functions://<database>/<schema>/<function>",
            hint="hooks over HTTP are not called yet",
        )
    return ".".join('"' + part.replace('"', '""') + '"' for part in match.groups())


def _limits(table: Table, *, mail_leaves: bool) -> RateLimits:
    return RateLimits(
        emails_per_hour=table.number("email_sent", 30) if mail_leaves else None,
        anonymous_users_per_hour=table.number("anonymous_users", 30),
        token_refresh_per_5_minutes=table.number("token_refresh", 150),
        sign_ins_per_5_minutes=table.number("sign_in_sign_ups", 30),
        verifications_per_5_minutes=table.number("token_verifications", 30),
    )


def _templates(table: Table) -> dict[str, MailTemplate]:
    found = {}
    for name in TEMPLATES:
        entry = table.table(name)
        if entry.has("content_path") and not entry.has("content"):
            raise BadUsage(f"auth.email.template.{name}.content_path was not read into `content` when this was built")
        found[name] = MailTemplate(subject=entry.text("subject", ""), content=entry.text("content", ""))
    return found
