"""Messages of other windows that the page believes."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="message-from-any-origin",
    family="FH-D01",
    title="The page takes a session from any window's message",
    severity="medium",
    confidence="likely",
    impact="A page that opens or frames the app sends its own token or address, and the app works with it.",
    fix="Compare event.origin with the origin you expect.",
    owasp="A01:2025",
    asvs=("3.5.1",),
    silent="listeners that test the origin or the source, workers, messages that change nothing about the session",
)
_LISTENER = re.compile(r"""addEventListener\(\s*["'`]message["'`]\s*,\s*(?P<handler>\w+|\()""")
_TESTED = re.compile(r"\.origin\b|\.source\b")
_USED = re.compile(r"data\.\w*(?:token|session|code|redirect|url)\b|data\?\.\w*(?:token|session|url)\b", re.IGNORECASE)
_WORKER = re.compile(r"serviceWorker|self\.addEventListener|navigator\.")


def check(facts: Facts) -> Iterator[Finding]:
    """Listeners of the window whose handler takes tokens or addresses."""
    for path, text, match in proofs.search(facts, facts.code("browser"), _LISTENER):
        name = match["handler"]
        start = text.find(f"{name} = ") if name != "(" else match.start()
        start = start if start >= 0 else text.find(f"function {name}(")
        body = text[max(start, 0) : max(start, 0) + 1200]
        if (
            start >= 0
            and _USED.search(body)
            and not _TESTED.search(text)
            and not _WORKER.search(text[match.start() - 40 : match.start()])
        ):
            yield card.finding(
                proofs.at(path, text, match.start()),
                change="if (event.origin !== window.location.origin) return;",
            )
