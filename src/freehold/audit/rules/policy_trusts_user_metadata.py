"""A policy that believes what users write about themselves."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="policy-trusts-user-metadata",
    family="FH-A06",
    title="A policy trusts user_metadata, which users write themselves",
    severity="critical",
    confidence="proven",
    impact="A user sets user_metadata by supabase.auth.updateUser and passes the policy as whoever it asks for.",
    fix="Ask app_metadata, or a table that users cannot write.",
    owasp="A01:2025",
    asvs=("8.2.1",),
    needs="database",
    silent="app_metadata; user_metadata that is only copied into a profile at sign-up",
)
_METADATA = re.compile(r"\b(raw_user_meta_data|user_metadata)\b")


def check(facts: Facts) -> Iterator[Finding]:
    """Policies, and the functions that policies call."""
    trusting = {
        row["name"] for row in catalogue.functions(facts) if not row["is_trigger"] and _METADATA.search(row["body"])
    }
    for policy in (*catalogue.policies(facts), *catalogue.policies(facts, "storage")):
        text = f"{policy['using_text']} {policy['check_text']}"
        called = sorted(name for name in trusting if re.search(rf"\b{re.escape(name)}\(", text))
        if not _METADATA.search(text) and not called:
            continue
        confidence = catalogue.certainty(facts, policy["name"], "likely" if called else "proven")
        via = f" through function {called[0]}" if called else ""
        yield card.finding(
            catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" for {policy["command"]}{via}'),
            title=f"A policy of {policy['name']} trusts user_metadata, which users write themselves",
            severity="critical" if confidence == "proven" else "high",
            confidence=confidence,
        )
