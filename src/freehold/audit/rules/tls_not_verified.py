"""Connections that believe any certificate."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="tls-not-verified",
    family="FH-B04",
    title="Certificates are not verified",
    severity="medium",
    confidence="proven",
    impact="Whoever stands in between reads and changes what the app sends, passwords included.",
    fix="Leave verification on, and give the authority's certificate where it is a private one.",
    owasp="A04:2025",
    asvs=("12.3.2",),
    silent="connections to databases that only offer their own certificate are low: managed databases often ask for it",
)
_OFF = re.compile(
    r"rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED[\"'\]]*\s*[=:]\s*[\"']?0|verify\s*=\s*False"
    r"|ssl\._create_unverified_context|CERT_NONE"
)
_DATABASE = re.compile(r"postgres|\bpg\b|Pool\(|DATABASE_URL|drizzle|mongo|mysql|redis", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Servers and functions."""
    web: list[Proof] = []
    databases: list[Proof] = []
    for path, text, match in proofs.search(facts, facts.code("server", "function"), _OFF):
        near = text[max(0, match.start() - 300) : match.end() + 100]
        (databases if _DATABASE.search(near) else web).append(proofs.at(path, text, match.start(), match[0]))
    if web:
        yield card.finding(*web)
    if databases:
        yield card.finding(*databases, title="A database's certificate is not verified", severity="low")
