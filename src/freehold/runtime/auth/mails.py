"""The mails of sign-up, sign-in and changes: our own texts, or the app's templates from supabase/config.toml.

A template is in Go's form. Variables are replaced, escaped for HTML; anything else Go's templates can do is refused
at start, because a mail with a hole in it would only be noticed by the app's users.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from freehold.core.errors import BadUsage
from freehold.runtime.auth.config import AuthConfig, MailTemplate
from freehold.runtime.mail.mailer import Mail

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\.(\w+)((?:\.\w+)*)")
_TAG = re.compile(r"<[^>]+>")
_LINK = re.compile(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)

_VARIABLES = frozenset(
    {"SiteURL", "ConfirmationURL", "Email", "NewEmail", "Token", "TokenHash", "Data", "RedirectTo", "SendingTo"}
)
_CODE = "<p>Or enter this code: <strong>{{ .Token }}</strong></p>"
_IGNORE = "<p>If you did not ask for this, you can ignore this mail.</p>"
DEFAULTS: Mapping[str, MailTemplate] = {
    "confirmation": MailTemplate(
        subject="Confirm your e-mail address",
        content=f'<h2>Welcome</h2><p><a href="{{{{ .ConfirmationURL }}}}">Confirm your address</a></p>{_CODE}{_IGNORE}',
    ),
    "invite": MailTemplate(
        subject="You are invited",
        content="<h2>You are invited</h2><p>You are invited to make an account on {{ .SiteURL }}.</p>"
        '<p><a href="{{ .ConfirmationURL }}">Accept the invitation</a></p>',
    ),
    "recovery": MailTemplate(
        subject="Set a new password",
        content='<h2>New password</h2><p><a href="{{ .ConfirmationURL }}">Set a new password</a></p>' + _CODE + _IGNORE,
    ),
    "magic_link": MailTemplate(
        subject="Your sign-in link",
        content=f'<h2>Sign in</h2><p><a href="{{{{ .ConfirmationURL }}}}">Sign in now</a></p>{_CODE}{_IGNORE}',
    ),
    "email_change": MailTemplate(
        subject="Confirm the change of your e-mail address",
        content="<h2>New address</h2><p>Your address will change from {{ .Email }} to {{ .NewEmail }}.</p>"
        f'<p><a href="{{{{ .ConfirmationURL }}}}">Confirm the change</a></p>{_CODE}',
    ),
    "reauthentication": MailTemplate(
        subject="{{ .Token }} is your code",
        content=f"<h2>Is it you?</h2><p>Enter this code: <strong>{{{{ .Token }}}}</strong></p>{_IGNORE}",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Link:
    """What one mail is about. `type` is the verification type the link is checked as."""

    template: str
    to: str
    type: str
    code: str
    token: str
    redirect_to: str
    email: str
    new_email: str = ""
    data: Mapping[str, object]


def check_templates(config: AuthConfig) -> None:
    """Raise BadUsage for a template that uses what cannot be filled in."""
    for name, template in config.templates.items():
        for action in _ACTION.findall(template.subject + template.content):
            match = _VARIABLE.fullmatch(action)
            if match is None or match[1] not in _VARIABLES:
                raise BadUsage(
                    f"auth.email.template.{name} uses {{{{ {action} }}}}",
                    detail="only variables such as {{ .ConfirmationURL }} or {{ .Data.name }} can be filled in",
                )


def action_link(config: AuthConfig, link: Link) -> str:
    """Give the address a mail leads to."""
    query = urlencode({"token": link.token, "type": link.type, "redirect_to": link.redirect_to})
    return f"{config.external_url}/verify?{query}"


def write_mail(config: AuthConfig, link: Link) -> Mail:
    """Fill in the template."""
    own = config.templates.get(link.template, MailTemplate())
    default = DEFAULTS[link.template]
    values: dict[str, object] = {
        "SiteURL": config.site_url,
        "ConfirmationURL": action_link(config, link),
        "Email": link.email,
        "NewEmail": link.new_email,
        "Token": link.code,
        "TokenHash": link.token,
        "Data": link.data,
        "RedirectTo": link.redirect_to,
        "SendingTo": link.to,
    }
    content = _fill(own.content or default.content, values, escape=True)
    subject = _fill(own.subject or default.subject, values, escape=False)
    return Mail(to=link.to, subject=subject, html=content, text=_plain(content))


def _fill(template: str, values: Mapping[str, object], *, escape: bool) -> str:
    def value(match: re.Match[str]) -> str:
        found: object = values
        for name in match[1].strip(".").split("."):
            found = found.get(name, "") if isinstance(found, Mapping) else ""
        text = "" if found is None or isinstance(found, Mapping | list) else str(found)
        return html.escape(text) if escape else text

    return _ACTION.sub(value, template)


def _plain(content: str) -> str:
    """Make the text form: links written out, one line a block."""
    linked = _LINK.sub(lambda match: f"{match[2]}: {match[1]}", content)
    lines = _TAG.sub("", re.sub(r"</(p|h[1-6]|li|div|tr)>", "\n\n", linked))
    return html.unescape(re.sub(r"\n{3,}", "\n\n", lines)).strip() + "\n"
