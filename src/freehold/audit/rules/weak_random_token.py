"""Secrets made of numbers that can be foretold."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="weak-random-token",
    family="FH-A07",
    title="A secret is made with Math.random",
    severity="medium",
    confidence="likely",
    impact="Math.random can be foretold from a few of its numbers: an attacker computes the next code, token "
    "or password.",
    fix="Use the system's random source.",
    owasp="A04:2025",
    asvs=("11.5.1",),
    silent="ids of rows and elements, file names, colours, demonstration data; codes that users show to each other",
)
_MADE = re.compile(
    r"(?:const|let|var)\s+(?P<name>\w*(?:token|password|secret|otp|apiKey|api_key|resetCode|verificationCode|accessCode|sessionId"
    r"|licen[cs]eKey)\w*)\s*(?::\s*\w+\s*)?=\s*[^;\n]{0,120}Math\.random\(",
    re.IGNORECASE,
)
_FUNCTION = re.compile(
    r"(?:function\s+|const\s+)(?P<name>generate\w*(?:Token|Password|Secret|Otp|OTP|ApiKey|VerificationCode))\b"
    r"(?:(?!\n(?:export\s+)?(?:function|const)\s).){0,600}?Math\.random\(",
    re.DOTALL,
)
_HARMLESS = re.compile(r"count|usage|length|index|max|limit|delay|estimate|price", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding with all places; servers and functions make it likely, browser code too."""
    found = {
        (path, match.start()): proofs.at(path, text, match.start(), f"{match['name']} from Math.random")
        for pattern in (_MADE, _FUNCTION)
        for path, text, match in proofs.search(facts, _candidates(facts), pattern)
        if not _HARMLESS.search(match["name"])
    }
    if found:
        yield card.finding(*found.values(), change="const token = crypto.randomUUID();  // or crypto.getRandomValues")


def _candidates(facts: Facts) -> list[str]:
    return [path for path in facts.code("browser", "server", "function") if "Math.random" in facts.text(path)]
