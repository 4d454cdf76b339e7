"""A key with every right, in the sources or their history: the role is decoded from the key itself."""

from freehold.audit import leaks
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="service-key-published",
    family="FH-B01",
    title="A service key stands in the sources",
    severity="critical",
    confidence="proven",
    impact="Whoever has the sources can read, change and delete every row and file of the project: this key "
    "passes over row security.",
    fix="Make a new service key at the builder and revoke this one; read it from a function's secret.",
    owasp="A02:2025",
    asvs=("13.3.1",),
    needs="history",
    silent="anon and sb_publishable_ keys anywhere; the supabase-demo keys of local development; user tokens",
)
KINDS = frozenset({"service key"})


def check(facts: Facts) -> list[Finding]:
    """Decode the role of every key."""
    return leaks.reported(facts, card, KINDS, frozenset())
