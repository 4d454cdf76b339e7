"""Read a mail in a process that may take its time: python -I -S mail_reader.py < MAIL > JSON.

The standard library needs hours for some headers that a stranger can write. The kernel ends this process first.
"""

import json
import resource
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr

SECONDS = 3
MEGABYTES = 512
LONGEST = 500
"""Of a header: it is written anew by what read it."""
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MemoryError)
"""What the standard library's parser raises for mails that are none."""


def main() -> None:
    """Give what a mail says, or `unsendable`: why it is none that can be sent."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    try:
        found = _read(sys.stdin.buffer.read())
    except _UNREADABLE:
        found = {"unsendable": "the mail cannot be read"}
    sys.stdout.write(json.dumps(found))


def _read(content: bytes) -> dict[str, str]:
    message = message_from_bytes(content, policy=policy.default)
    # A mail without what was attached to it would be another mail.
    if not isinstance(message, EmailMessage) or any(True for _ in message.iter_attachments()):
        return {"unsendable": "attachments are not sent"}
    found = {
        "subject": str(message.get("subject", ""))[:LONGEST],
        "sender_name": parseaddr(str(message.get("from", "")))[0][:LONGEST],
        "reply_to": parseaddr(str(message.get("reply-to", "")))[1][:LONGEST],
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
    }
    return found if found["text"] or found["html"] else {"unsendable": "the mail has no text"}


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""


if __name__ == "__main__":
    main()
