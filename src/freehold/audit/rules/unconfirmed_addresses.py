"""Accounts under addresses that nobody has shown to be his."""

from collections.abc import Iterator

from freehold.audit import auth_table
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="unconfirmed-addresses",
    family="FH-B05",
    title="Addresses are not confirmed",
    severity="low",
    confidence="likely",
    impact="Anybody makes accounts under other people's addresses, and policies that go by e-mail believe him.",
    fix="Turn confirmation on, unless the app's way in depends on it being off.",
    owasp="A07:2025",
    asvs=("6.3.1",),
    silent="apps that do not set it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """enable_confirmations = false; it is medium where policies go by the address."""
    if auth_table.value(facts, "auth", "email", "enable_confirmations") is not False:
        return
    migrations = "\n".join(item.sql for item in facts.inventory.migrations).lower() if facts.inventory else ""
    by_address = "auth.email()" in migrations or "auth.jwt() ->> 'email'" in migrations
    yield card.finding(
        auth_table.place(facts, "enable_confirmations", "enable_confirmations = false"),
        title="Addresses are not confirmed, and policies go by them" if by_address else "",
        severity="medium" if by_address else "low",
        change="[auth.email]\nenable_confirmations = true",
    )
