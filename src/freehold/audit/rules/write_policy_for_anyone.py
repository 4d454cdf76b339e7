"""A policy that lets callers who are not signed in change rows that are not theirs."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.audit.catalogue import Row
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="write-policy-for-anyone",
    family="FH-A04",
    title="Anybody may change or delete every row",
    severity="critical",
    confidence="proven",
    impact="Whoever knows the public key, which every visitor has, can change or delete all rows of the table.",
    fix="Give the policy a condition that names the owner, or drop it if only functions write here.",
    owasp="A01:2025",
    asvs=("8.2.2",),
    needs="database",
    silent="INSERT with true (contact forms: see open-insert), policies for service_role, policies that a "
    "restrictive one narrows, roles without the right itself",
)
_WRITES = {"UPDATE": "change", "DELETE": "delete", "ALL": "read, add, change and delete"}


def check(facts: Facts) -> Iterator[Finding]:
    """Look at each policy that writes."""
    for policy in catalogue.policies(facts):
        if policy["command"] in _WRITES and catalogue.audience(policy) == "anyone" and _has_right(facts, policy):
            confidence = catalogue.certainty(facts, policy["name"])
            row = catalogue.table(facts, policy["name"])
            yield card.finding(
                catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" for {policy["command"]}'),
                title=f"Anybody may {_WRITES[policy['command']]} every row of {policy['name']}",
                severity="critical" if confidence == "proven" else "high",
                confidence=confidence,
                change=catalogue.narrowed_to_owner(row, policy, "then write from functions that ask who calls")
                if row
                else "",
            )


def _has_right(facts: Facts, policy: Row) -> bool:
    row = catalogue.table(facts, policy["name"])
    verbs = ("update", "delete") if policy["command"] == "ALL" else (policy["command"].lower(),)
    return bool(row and any(row[f"anon_{verb}"] for verb in verbs)) and not catalogue.is_narrowed(facts, policy)
