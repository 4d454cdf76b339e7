"""Mail of the app's own Python server: it finds an SMTP server on its port 25, and mail goes the owner's way."""

import asyncio
import contextlib
import json
import smtplib
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import pytest
from python_world import answering, served_python

from freehold.runtime.mail.mailer import FileMailer
from freehold.runtime.site.python import mail, mail_reader

SENDS = """
import smtplib
from email.message import EmailMessage
def answer(environ, query):
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Wëlcome", "Shop <shop@old.example>", "ann@example.org"
    message["Reply-To"] = "help@shop.example"
    message.set_content("Hello.\\n.\\nBye")
    with smtplib.SMTP() as server:
        server.connect()
        server.send_message(message, to_addrs=["ann@example.org", "bob@example.org"])
    return "sent"
"""


def kept(folder: Path) -> list[dict[str, str]]:
    """What lies there for the mail page."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


async def test_what_an_app_sends_by_the_standard_library_arrives(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    async with (
        served_python(tmp_path, SENDS, mail_directory=folder) as world,
        aiohttp.ClientSession() as http,
        http.get(world.url) as answer,
    ):
        assert await answer.text() == "sent"
    sent = kept(folder)
    assert [item["to"] for item in sent] == ["ann@example.org", "bob@example.org"]
    for item in sent:
        assert (item["subject"], item["sender_name"], item["reply_to"]) == ("Wëlcome", "Shop", "help@shop.example")
        assert item["text"].splitlines() == ["Hello.", ".", "Bye"]


def _message(**changes: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = "Hello", "a@example.org"
    message.set_content(changes.get("text", "text"))
    return message


async def test_what_cannot_be_sent_is_refused_and_the_next_mail_is_taken(tmp_path: Path) -> None:
    def send(address: tuple[str, int]) -> list[int]:
        with smtplib.SMTP(*address, timeout=30) as server:
            found = []
            attached = _message()
            attached.add_attachment(b"x", maintype="application", subtype="pdf", filename="x.pdf")
            large = _message(text="x\n" * (mail.LARGEST_BYTES // 2))
            for message in (attached, large, _message()):
                try:
                    server.send_message(message, to_addrs=["ann@example.org"])
                    found.append(250)
                except smtplib.SMTPResponseException as error:
                    found.append(error.smtp_code)
                    server.rset()
            found.append(server.docmd("RCPT", "TO:<ann@example.org>")[0])
            server.mail("a@example.org")
            found += [server.rcpt(address)[0] for address in ("none", "x" * 400 + "@b", "two words@b")]
            found += [server.rcpt(f"u{number}@example.org")[0] for number in range(mail.MOST_RECIPIENTS + 1)][-2:]
            return [*found, server.docmd("TURN")[0], server.noop()[0]]

    async with answering(mail.MailDoor(FileMailer(tmp_path))) as address:
        codes = await asyncio.to_thread(send, address)
    assert codes == [554, 552, 250, 503, 553, 553, 503, 250, 452, 502, 250]
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe" * 1000,
        b"Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 20000,
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xff",
        b"Subject: a\nBcc: injected@example.org\r\n\r\ntext",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
        b"From: " + b"=?utf-8?q?a?= " * 200_000 + b"\r\n\r\ntext",
        b"Content-Type: text/plain; " + b"".join(b"a*%d*=b; " % n for n in range(200_000)) + b"\r\n\r\ntext",
        b"Subject: " + b"a" * 100_000 + b"\r\nFrom: " + b"a" * 10_000 + b" <a@b>\r\n\r\ntext",
        b"From: =?utf-8?q?" + b"=41" * 5000 + b"?=\r\nSubject: =?x?b?////?=\r\n\r\ntext",
    ],
)
async def test_what_is_hardly_a_mail_is_one_or_is_refused(content: bytes) -> None:
    with contextlib.suppress(mail.Unsendable):
        for made in await mail.mails(content, ["ann@example.org"]):
            assert made.to == "ann@example.org"
            assert max(len(made.subject), len(made.sender_name), len(made.reply_to)) <= mail_reader.LONGEST


@pytest.mark.parametrize(
    "sent", [b"\x00" * 70000, b"EHLO " + b"x" * 70000 + b"\r\n", b"DATA\r\n", b"\r\n", b"QUIT\r\n"]
)
async def test_what_is_no_smtp_ends_or_is_answered(sent: bytes, tmp_path: Path) -> None:
    async with answering(mail.MailDoor(FileMailer(tmp_path))) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        writer.write_eof()
        said = await reader.read()
        writer.close()
    assert said.startswith(b"220 freehold")
    assert kept(tmp_path) == []
