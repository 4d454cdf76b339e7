"""The door for mail: an SMTP server that the app finds on its own port 25, where every framework looks first.

What it takes goes the way of all mail: through the owner's mail server, or to the local mail page. The sender is always
the owner's own address, with the name that the app gives.
"""

import asyncio
import contextlib
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass, field

from freehold.kit import json_text
from freehold.runtime.mail.mailer import Mail, Mailer, MailNotSent
from freehold.runtime.site.python import mail_reader

IDLE_SECONDS = 300.0
LARGEST_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
MOST_RECIPIENTS = 50
LONGEST_ADDRESS = 320
READ_AT_ONCE = 2
_END = b"\r\n.\r\n"
_PATH = re.compile(r"\A(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)


class Unsendable(Exception):
    """The mail is none that can be sent; the text says why."""


@dataclass
class _Envelope:
    """What of a mail has been said before its content."""

    is_begun: bool = False
    recipients: list[str] = field(default_factory=list)


class MailDoor:
    """Answers the program's connections to its port 25."""

    def __init__(self, mailer: Mailer) -> None:
        """Nothing is sent yet."""
        self._mailer = mailer
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it says QUIT or nothing for IDLE_SECONDS."""
        envelope = _Envelope()
        writer.write(b"220 freehold ESMTP\r\n")
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                line = await reader.readuntil(b"\n")
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "DATA" if envelope.recipients:
                    writer.write(b"354 go on, and end with a line that is a dot\r\n")
                    said = await self._take(reader, envelope.recipients)
                    envelope = _Envelope()
                case "RSET" | "EHLO" | "HELO":
                    said, envelope = _GREETING if verb.upper() == "EHLO" else "250 freehold", _Envelope()
                case _:
                    said = _answered(verb.upper(), rest, envelope)
            writer.write(f"{said}\r\n".encode())
            await writer.drain()
            if verb.upper() == "QUIT":
                return

    async def _take(self, reader: asyncio.StreamReader, recipients: list[str]) -> str:
        content = await _content(reader)
        if content is None:
            return "552 the mail is too large"
        try:
            async with self._reading:
                taken = await mails(content, recipients)
            for mail in taken:
                await self._mailer.send(mail)
        except Unsendable as error:
            return f"554 {error}"
        except MailNotSent:
            return "451 the mail server did not take the mail; see freehold logs"
        return "250 taken"


_GREETING = f"250-freehold\r\n250-SIZE {LARGEST_BYTES}\r\n250 8BITMIME"


def _answered(verb: str, rest: str, envelope: _Envelope) -> str:
    """Answer what needs nobody else; the envelope is filled as it comes."""
    path = _PATH.match(rest)
    match verb:
        case "QUIT" | "NOOP":
            return "221 bye" if verb == "QUIT" else "250 ok"
        case "MAIL" if path is not None:
            envelope.is_begun = True
            return "250 ok"
        case "RCPT" if path is not None and envelope.is_begun:
            return _recipient(path[1], envelope)
        case "MAIL" | "RCPT" | "DATA":
            return "503 MAIL FROM:<...> and RCPT TO:<...> come first"
    return "502 there is no such command here"


def _recipient(address: str, envelope: _Envelope) -> str:
    if "@" not in address or len(address) > LONGEST_ADDRESS or not address.isprintable():
        return "553 that is no address"
    if len(envelope.recipients) >= MOST_RECIPIENTS:
        return f"452 {MOST_RECIPIENTS} recipients are the most"
    envelope.recipients.append(address)
    return "250 ok"


async def _content(reader: asyncio.StreamReader) -> bytes | None:
    """Read to the line that is a dot; None for what is too large, of which nothing is kept."""
    kept, is_too_large = b"\r\n", False
    while not kept.endswith(_END):
        async with asyncio.timeout(IDLE_SECONDS):
            block = await reader.read(BLOCK_BYTES)
        if not block:
            raise asyncio.IncompleteReadError(kept, None)
        kept += block
        if len(kept) > LARGEST_BYTES:
            kept, is_too_large = kept[-len(_END) :], True
    return None if is_too_large else kept[2 : -len(_END)].replace(b"\r\n..", b"\r\n.")


async def mails(content: bytes, recipients: list[str]) -> list[Mail]:
    """Read a mail, and make one of it for each recipient. Raises Unsendable.

    Attachments are refused: a mail without what was attached to it would be another mail.
    """
    found = await _read(content)
    if "unsendable" in found:
        raise Unsendable(found["unsendable"])
    shown = found["text"].replace("&", "&amp;").replace("<", "&lt;")
    return [
        Mail(
            to=address,
            subject=found["subject"],
            html=found["html"] or f"<pre>{shown}</pre>",
            text=found["text"] or "This mail has an HTML part only.",
            sender_name=found["sender_name"],
            reply_to=found["reply_to"] if found["reply_to"].isprintable() else "",
        )
        for address in dict.fromkeys(recipients)
    ]


async def _read(content: bytes) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", mail_reader.__file__, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        said, _ = await process.communicate(content)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    try:
        found: dict[str, str] = json_text.read(said)
    except ValueError as error:
        raise Unsendable("the mail cannot be read") from error
    return found
