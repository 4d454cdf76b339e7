"""A key of a paid service in the sources or their history, recognised by the provider's own prefix."""

from freehold.audit import leaks
from freehold.audit.rules import database_password_published, private_key_published, service_key_published
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="provider-key-published",
    family="FH-B01",
    title="A provider's secret key stands in the sources",
    severity="critical",
    confidence="proven",
    impact="Whoever has the sources can act and spend in your name at the provider.",
    fix="Make a new key at the provider, revoke this one, and read it from a function's secret.",
    owasp="A02:2025",
    asvs=("13.3.1",),
    needs="history",
    silent="Stripe's pk_, Google's AIza browser keys, Mapbox's pk., test-mode keys, placeholders",
)
_OTHERS = service_key_published.KINDS | private_key_published.KINDS | database_password_published.KINDS


def check(facts: Facts) -> list[Finding]:
    """Report each key once."""
    return leaks.reported(facts, card, None, _OTHERS)
