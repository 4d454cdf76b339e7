"""A private key in PEM form in the sources or their history."""

from freehold.audit import leaks
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="private-key-published",
    family="FH-B01",
    title="A private key stands in the sources",
    severity="critical",
    confidence="proven",
    impact="Whoever has the sources can sign, decrypt or sign in as the key's owner (a service account, a server).",
    fix="Make a new key pair, revoke this one, and read it from a function's secret.",
    owasp="A04:2025",
    asvs=("13.3.1",),
    needs="history",
    silent="public keys, certificates, PEM heads around a placeholder",
)
KINDS = frozenset({"private key"})


def check(facts: Facts) -> list[Finding]:
    """Report each key once."""
    return leaks.reported(facts, card, KINDS, frozenset())
