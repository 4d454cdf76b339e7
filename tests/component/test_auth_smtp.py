"""Mail leaves through a real SMTP conversation."""

import asyncio
import email
import email.policy

import pytest
from mail_sink import Sink, sink

from freehold.core.secret import Secret
from freehold.runtime.mail.mailer import Mail, MailNotSent, SmtpMailer
from freehold.runtime.settings import SmtpSettings

MAIL = Mail(to="ann@example.com", subject="Hi\r\nBcc: eve@example.com", html="<p>Grüße</p>", text="Grüße\n")


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


@pytest.mark.parametrize(
    ("sender", "name", "said"),
    [
        ("app@example.com", "", "app@example.com"),
        ("App <app@example.com>", "Shop, Ltd", '"Shop, Ltd" <app@example.com>'),
        ("app@example.com", "Shop\r\nBcc: eve@example.com", '"Shop Bcc: eve@example.com" <app@example.com>'),
    ],
)
async def test_a_mail_comes_from_the_owners_address_and_name(sender: str, name: str, said: str) -> None:
    async with sink() as server:
        smtp = SmtpSettings(host="127.0.0.1", port=server.port, sender=sender, sender_name=name)
        await SmtpMailer(smtp).send(MAIL)
    assert f"From: {said}".encode() in server.mails[0]
    assert server.lines[1] == "mail FROM:<app@example.com>"


async def test_a_server_that_refuses_is_an_error_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    async with sink("550 <ann@example.com>: no such person") as server:
        with pytest.raises(MailNotSent) as refused:
            await SmtpMailer(settings(server.port)).send(MAIL)
    assert "ann@example.com" not in str(refused.value) + caplog.text
    assert "did not take a mail: SMTPRecipientsRefused: 550 <...>: no such person" in caplog.text


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
