"""Base44 functions that act with every right for callers they never ask about."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="service-role-function-open",
    family="FH-A07",
    title="A function acts as the service role for anybody",
    severity="high",
    confidence="likely",
    impact="Anybody can call it by its address: asServiceRole passes over all rules, and it never asks who calls.",
    fix="Ask who calls before acting as the service role.",
    owasp="A01:2025",
    asvs=("8.2.1",),
    silent="functions that ask auth.me(), check a signature or a secret, or are run by schedules and entity events",
)
_FUNCTION = re.compile(r"^(?:base44/)?functions/(?:[^/]+/)?[^/]+\.[jt]s$")
_ASKS = re.compile(
    r"auth\.me\(|isAuthenticated\(|constructEvent|createHmac|crypto\.subtle|timingSafeEqual|signature|_SECRET|x-base44-scheduler|secret"
    r"|event\.(?:type|entity)|entity_name|automation|getUser\(|verify",
    re.IGNORECASE,
)
_INPUT = re.compile(r"req(?:uest)?\.(?:json|formData|text)\(|searchParams")
_USE = re.compile(r"\.asServiceRole\.(?:entities|functions|integrations)")


def check(facts: Facts) -> Iterator[Finding]:
    """Only what takes input from its caller."""
    for path in facts.code("function"):
        text = facts.text(path)
        match = _USE.search(text)
        if not _FUNCTION.match(path) or match is None or _ASKS.search(text) or not _INPUT.search(text):
            continue
        yield card.finding(
            proofs.at(path, text, match.start(), "asServiceRole, and no question who calls"),
            title=f"Function {_name(path)} acts as the service role for anybody",
            change="const user = await base44.auth.me();\n"
            'if (!user) return Response.json({ error: "Unauthorized" }, { status: 401 });',
        )


def _name(path: str) -> str:
    parts = path.split("/")
    return parts[-2] if parts[-1] in {"entry.ts", "index.ts", "entry.js", "index.js"} else parts[-1]
