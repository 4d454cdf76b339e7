"""Sending a mail: through the owner's SMTP server, or into files for the local mail page."""

import asyncio
import json
import logging
import os
import re
import smtplib
import ssl
import time
import uuid
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Protocol

from freehold.runtime.settings import Settings, SmtpSettings

SMTP_TIMEOUT_SECONDS = 10
IMPLICIT_TLS_PORT = 465
KEPT_MAILS = 500
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
log = logging.getLogger("freehold.mail")


class MailNotSent(Exception):
    """The mail server refused or could not be reached; holds no address and no content."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail to one address."""

    to: str
    subject: str
    html: str
    text: str
    sender_name: str = ""
    """Who it comes from, before the owner's own address; "" for what the settings say."""
    reply_to: str = ""


class Mailer(Protocol):
    """Sends mails."""

    async def send(self, mail: Mail) -> None:
        """Send one mail; when it returns, the next hop has it. Raises MailNotSent."""


def open_mailer(settings: Settings) -> Mailer:
    """Give the mailer of this process."""
    if settings.smtp is not None:
        return SmtpMailer(settings.smtp)
    return FileMailer(settings.mail_directory)


class SmtpMailer:
    """Sends through an SMTP server: TLS from the start on port 465, else STARTTLS wherever it is offered."""

    def __init__(self, settings: SmtpSettings) -> None:
        """Connections are made for each mail."""
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Send one mail in a thread."""
        try:
            await asyncio.to_thread(self._deliver, _message(mail, self._settings))
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail server at %s did not take a mail: %s", self._settings.host, _reason(error))
            raise MailNotSent(f"the mail server did not take a mail: {type(error).__name__}") from error

    def _deliver(self, message: EmailMessage) -> None:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.port == IMPLICIT_TLS_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=SMTP_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=SMTP_TIMEOUT_SECONDS)
        with server:
            server.ehlo()
            if settings.port != IMPLICIT_TLS_PORT and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if settings.user:
                _refuse_plain_login(server, settings.host)
                server.login(settings.user, settings.password.reveal())
            server.send_message(message)


class FileMailer:
    """Keeps mails as files of mode 0600, newest last by name; only the newest KEPT_MAILS stay."""

    def __init__(self, directory: Path) -> None:
        """The directory is made with the first mail."""
        self._directory = directory

    async def send(self, mail: Mail) -> None:
        """Write one mail in a thread."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise MailNotSent(f"the mail could not be written: {error.strerror}") from error

    def _write(self, mail: Mail) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        content = json.dumps({"id": name, "sent_at": formatdate(usegmt=True)} | asdict(mail), ensure_ascii=False)
        partial = self._directory / f".{name}"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        partial.rename(self._directory / f"{name}.json")
        for old in sorted(self._directory.glob("*.json"))[:-KEPT_MAILS]:
            old.unlink(missing_ok=True)


def _message(mail: Mail, settings: SmtpSettings) -> EmailMessage:
    named, sender = parseaddr(settings.sender)
    message = EmailMessage()
    message["From"] = formataddr((_line(mail.sender_name or settings.sender_name or named), sender))
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    message["To"] = mail.to
    message["Subject"] = _line(mail.subject)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _line(text: str) -> str:
    """A header is one line, whatever an app puts into it."""
    return " ".join(text.split())


def _refuse_plain_login(server: smtplib.SMTP, host: str) -> None:
    """A password goes over an unencrypted connection only on this machine."""
    if not isinstance(server.sock, ssl.SSLSocket) and host not in {"127.0.0.1", "localhost", "::1"}:
        raise smtplib.SMTPNotSupportedError("the mail server offers no TLS, so no password is sent to it")


def _reason(error: Exception) -> str:
    """What the owner can act on, without anybody's address: servers like to repeat it."""
    said: object = error
    match error:
        case smtplib.SMTPRecipientsRefused():
            said = next(iter(error.recipients.values()), "")
        case smtplib.SMTPResponseException():
            said = (error.smtp_code, error.smtp_error)
    if isinstance(said, tuple):
        said = " ".join(item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in said)
    return f"{type(error).__name__}: {_ADDRESS.sub('...', _line(str(said)))}"
