"""Mail leaves through a real SMTP conversation."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from freehold.core.secret import Secret
from freehold.runtime.mail.mailer import Mail, MailNotSent, SmtpMailer
from freehold.runtime.settings import SmtpSettings

MAIL = Mail(to="ann@example.com", subject="Hi\r\nBcc: eve@example.com", html="<p>Grüße</p>", text="Grüße\n")


@dataclass
class Sink:
    """A mail server that keeps what it takes. `refusal` is what it answers to RCPT instead of 250."""

    port: int = 0
    refusal: str = ""
    recipients: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 sink")
        while line := (await reader.readline()).decode().strip():
            self.lines.append(line)
            verb = line.split()[0].upper()
            if verb == "RCPT":
                self.recipients.append(line)
                say(self.refusal or "250 ok")
            elif verb == "DATA":
                say("354 go on")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        writer.close()


@contextlib.asynccontextmanager
async def sink(refusal: str = "") -> AsyncIterator[Sink]:
    found = Sink(refusal=refusal)
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


def settings(port: int, host: str = "127.0.0.1", user: str = "") -> SmtpSettings:
    return SmtpSettings(
        host=host, port=port, sender="App <app@example.com>", user=user, password=Secret("the password")
    )


async def test_a_mail_has_both_forms_and_one_recipient() -> None:
    async with sink() as server:
        await SmtpMailer(settings(server.port)).send(MAIL)
    assert [line.upper() for line in server.recipients] == ["RCPT TO:<ANN@EXAMPLE.COM>"]
    message = email.message_from_bytes(server.mails[0], policy=email.policy.default)
    assert message["subject"] == "Hi Bcc: eve@example.com"
    assert message["bcc"] is None
    assert message["from"] == "App <app@example.com>"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert "Grüße" in message.get_body(("plain",)).get_content()


async def test_a_server_that_refuses_is_an_error_without_the_address() -> None:
    async with sink("550 no such person") as server:
        with pytest.raises(MailNotSent) as refused:
            await SmtpMailer(settings(server.port)).send(MAIL)
    assert "ann@example.com" not in str(refused.value)


async def test_a_server_that_is_not_there_is_an_error() -> None:
    async with sink() as server:
        port = server.port
    with pytest.raises(MailNotSent):
        await SmtpMailer(settings(port)).send(MAIL)


async def test_a_password_is_never_sent_without_tls_to_another_machine() -> None:
    server = Sink()
    # 127.0.0.2 is this machine too, but not by a name the mailer trusts.
    listening = await asyncio.start_server(server.talk, "127.0.0.2", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(MailNotSent):
            await SmtpMailer(settings(port, host="127.0.0.2", user="app")).send(MAIL)
    assert not any("AUTH" in line.upper() for line in server.lines)
    assert server.mails == []
