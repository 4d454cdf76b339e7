"""The owner's own mail server: secrets under the names that GoTrue has for it, else `[auth.email.smtp]` of the app."""

from collections.abc import Callable, Collection, Mapping

HOST = "SMTP_HOST"
_SECRETS = {
    "host": HOST,
    "port": "SMTP_PORT",
    "user": "SMTP_USER",
    "password": "SMTP_PASS",
    "sender": "SMTP_ADMIN_EMAIL",
    "sender_name": "SMTP_SENDER_NAME",
}
"""Fields of the runtime's SmtpSettings; the names are GoTrue's own, as self-hosted Supabase has them."""
_TABLE = {
    "host": "host",
    "port": "port",
    "user": "user",
    "password": "pass",
    "sender": "admin_email",
    "sender_name": "sender_name",
}
_NEEDED = ("host", "sender")


def is_mail_secret(name: str) -> bool:
    """Whether a secret is for the mail server: functions do not get it, unless one reads that very name."""
    return name in _SECRETS.values()


def settings(
    auth: Mapping[str, object], names: Collection[str], look: Callable[[str], object]
) -> dict[str, object] | None:
    """Give the runtime's `smtp` with marks for the owner's secrets; None while mail has no way out.

    Secrets and the app's own table are not mixed: a password meant for one server is not shown to another. A password
    that stands in the table itself is not taken, as a release's record holds no secret.
    """
    found = _of_secrets(names, look) if HOST in names else _of_table(auth)
    return found if all(found.get(name) for name in _NEEDED) else None


def missing(auth: Mapping[str, object], names: Collection[str]) -> tuple[str, ...]:
    """What an owner who has begun to name a mail server has to set yet; () where nothing is begun, or all is there."""
    begun = any(map(is_mail_secret, names)) or bool(_of_table(auth))
    if not begun or settings(auth, names, str) is not None:
        return ()
    return tuple(_SECRETS[name] for name in _NEEDED if _SECRETS[name] not in names)


def _of_secrets(names: Collection[str], look: Callable[[str], object]) -> dict[str, object]:
    return {field: look(name) for field, name in _SECRETS.items() if name in names}


def _of_table(auth: Mapping[str, object]) -> dict[str, object]:
    email = auth.get("email")
    table = email.get("smtp") if isinstance(email, Mapping) else None
    if not isinstance(table, Mapping) or table.get("enabled") is False:
        return {}
    found = {field: table[name] for field, name in _TABLE.items() if name in table}
    if isinstance(found.get("password"), str):
        del found["password"]
    return found
