"""Browser code that calls what only the service key may."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="admin-client-in-browser",
    family="FH-B01",
    title="Browser code calls the administration of users",
    severity="medium",
    confidence="likely",
    impact="These calls work with the service key only: either they fail, or the key is in the browser and "
    "every visitor has all rights.",
    fix="Call them in a function that asks whether the caller is an administrator.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    silent="functions, server code and scripts",
)
_ADMIN = re.compile(r"\.auth\.admin\.(?P<name>\w+)\s*\(")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding with all places."""
    found = [
        proofs.at(path, text, match.start(), f"auth.admin.{match['name']}")
        for path, text, match in proofs.search(facts, facts.code("browser"), _ADMIN)
    ]
    if found:
        yield card.finding(*found, change='await supabase.functions.invoke("delete-user", { body: { id } });')
