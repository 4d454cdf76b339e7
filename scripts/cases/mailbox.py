"""What came by mail: read from the mail page that `freehold up` serves."""

import json
import re
import time
import urllib.request
from dataclasses import dataclass

_LINK = re.compile(r"https?://[^\s\"'<>]+/auth/v1/verify[^\s\"'<>]*")
_CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")


@dataclass(frozen=True)
class Mailbox:
    """The mails to one address."""

    origin: str
    address: str

    def newest(self, *, after: int = 0, seconds: float = 6) -> dict[str, str] | None:
        """The newest mail once there are more than `after`; None when none comes within the time."""
        deadline = time.monotonic() + seconds
        while True:
            mails = self.all()
            if len(mails) > after:
                return mails[0]
            if time.monotonic() > deadline:
                return None
            time.sleep(0.3)

    def all(self) -> list[dict[str, str]]:
        """Every mail to the address, the newest first."""
        with urllib.request.urlopen(f"{self.origin}/_freehold/mail/messages", timeout=10) as answer:
            mails = json.load(answer)["messages"]
        return [mail for mail in mails if mail["to"] == self.address]


def link_in(mail: dict[str, str]) -> str | None:
    """The link that proves the address."""
    found = _LINK.search(mail["text"]) or _LINK.search(mail["html"].replace("&amp;", "&"))
    return found[0].replace("&amp;", "&") if found else None


def code_in(mail: dict[str, str]) -> str | None:
    """The code of six digits."""
    found = _CODE.search(re.sub(r"https?://\S+", "", mail["text"]))
    return found[1] if found else None
