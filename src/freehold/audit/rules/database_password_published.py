"""A connection string with its password in the sources or their history."""

from freehold.audit import leaks
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="database-password-published",
    family="FH-B01",
    title="A database password stands in the sources",
    severity="critical",
    confidence="proven",
    impact="Whoever has the sources can open the database itself, past every rule of the app.",
    fix="Change the password and read the connection string from the environment.",
    owasp="A02:2025",
    asvs=("13.3.1",),
    needs="history",
    silent="local hosts, names without a domain, placeholders",
)
KINDS = frozenset({"database password"})


def check(facts: Facts) -> list[Finding]:
    """Report each password once."""
    return leaks.reported(facts, card, KINDS, frozenset())
