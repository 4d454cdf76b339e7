"""A policy that lets every signed-in user change the rows of all others."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="write-policy-for-signed-in",
    family="FH-A02",
    title="Any signed-in user may change or delete every row",
    severity="high",
    confidence="proven",
    impact="Whoever signs up can change or delete the rows of all other users.",
    fix="Compare the row's owner with the caller instead of asking only whether somebody is signed in.",
    owasp="A01:2025",
    asvs=("8.2.2", "8.4.1"),
    needs="database",
    silent="policies that name an owner, a role table or a function; tables whose rows belong to nobody are medium",
)
_WRITES = {"UPDATE": "change", "DELETE": "delete", "ALL": "change and delete"}


def check(facts: Facts) -> Iterator[Finding]:
    """Look at each policy that writes; a table without an owner column may be shared on purpose."""
    for policy in catalogue.policies(facts):
        if policy["command"] not in _WRITES or catalogue.audience(policy) != "any signed-in user":
            continue
        row = catalogue.table(facts, policy["name"])
        if row is None or not (row["user_update"] or row["user_delete"]) or catalogue.is_narrowed(facts, policy):
            continue
        owners = catalogue.owners(row)
        confidence = catalogue.certainty(facts, policy["name"], "proven" if owners else "likely")
        yield card.finding(
            catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" for {policy["command"]}'),
            title=f"Any signed-in user may {_WRITES[policy['command']]} every row of {policy['name']}",
            severity="high" if owners else "medium",
            confidence=confidence,
            change=catalogue.narrowed_to_owner(row, policy, "then write from functions that ask who calls"),
        )
