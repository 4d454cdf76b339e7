"""What a function asks a mail service to send, read from the service's own JSON into mails to one address each."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr

from freehold.runtime.mail.mailer import Mail

MOST_RECIPIENTS = 50
_ADDRESS_LENGTH = 320


class Refused(Exception):
    """The request is none that can be sent; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One request: the same mail to every recipient."""

    mails: tuple[Mail, ...]


def read(body: object) -> Letter:
    """Read `{from, to, cc, bcc, subject, html, text, reply_to}`; raises Refused.

    Attachments are refused: a mail without what was attached to it would be another mail.
    """
    if not isinstance(body, Mapping):
        raise Refused("the body is no JSON object")
    if body.get("attachments"):
        raise Refused("attachments are not sent")
    subject, html, text = (_text(body, name) for name in ("subject", "html", "text"))
    if not subject or not (html or text):
        raise Refused("subject, and html or text, must be given")
    recipients = [address for name in ("to", "cc", "bcc") for address in _addresses(body.get(name))]
    if not recipients or len(recipients) > MOST_RECIPIENTS:
        raise Refused(f"between 1 and {MOST_RECIPIENTS} recipients must be given")
    sender = parseaddr(_text(body, "from"))[0]
    replies = [*_addresses(body.get("reply_to") or body.get("replyTo"))]
    return Letter(
        mails=tuple(
            Mail(
                to=address,
                subject=subject,
                html=html or f"<pre>{_escaped(text)}</pre>",
                text=text or "This mail has an HTML part only.",
                sender_name=sender,
                reply_to=replies[0] if replies else "",
            )
            for address in dict.fromkeys(recipients)
        )
    )


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise Refused(f"{name} must be a string")
    return value


def _addresses(value: object) -> list[str]:
    """One address or a list of them, each `a@b` or `Name <a@b>`."""
    listed = value if isinstance(value, list) else [value] if value else []
    found = [parseaddr(item)[1] if isinstance(item, str) and item.isprintable() else "" for item in listed]
    if any("@" not in item or len(item) > _ADDRESS_LENGTH for item in found):
        raise Refused("an address is none")
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
