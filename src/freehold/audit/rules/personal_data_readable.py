"""A table with personal data or secrets that everybody may read."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue, proofs
from freehold.core.finding import Card, Finding, Severity
from freehold.core.ports import Facts

card = Card(
    id="personal-data-readable",
    family="FH-A01",
    title="Everybody may read personal data",
    severity="critical",
    confidence="proven",
    impact="The whole column can be copied by anybody who opens the app and takes its public key.",
    fix="Let users read their own rows only, and show others through a view or function with the public columns.",
    owasp="A01:2025",
    asvs=("8.2.2", "8.3.1"),
    needs="database",
    silent="tables without such columns (catalogues, posts), tables that are not about people (the address of "
    "a hospital is meant to be read)",
)

_PEOPLE = re.compile(
    r"profile|user|customer|lead|contact|subscriber|member|employee|staff|patient|student|client|guest|booking|order|message"
    r"|submission|application|registration|appointment|newsletter|waitlist|donor|voter|candidate|tenant|payment|invoice",
    re.IGNORECASE,
)


def check(facts: Facts) -> Iterator[Finding]:
    """Judge by the names of the columns that the policy opens."""
    for policy in catalogue.policies(facts):
        row = catalogue.table(facts, policy["name"])
        who = catalogue.audience(policy) if policy["command"] in ("SELECT", "ALL") else ""
        if not who or row is None or not row["anon_select" if who == "anyone" else "user_select"]:
            continue
        if catalogue.is_narrowed(facts, policy):
            continue
        secrets = catalogue.matching(row["columns"], catalogue.SECRET)
        personal = catalogue.matching(row["columns"], catalogue.PERSONAL)
        is_of_users = bool(catalogue.owners(row)) or bool(_PEOPLE.search(row["name"]))
        if secrets or (personal and is_of_users):
            yield _finding(facts, row, policy, secrets or personal, is_secret=bool(secrets))


def _finding(
    facts: Facts, row: catalogue.Row, policy: catalogue.Row, columns: list[str], *, is_secret: bool
) -> Finding:
    who = catalogue.audience(policy)
    confidence = catalogue.certainty(facts, row["name"])
    severity: Severity = "high" if is_secret or who == "anyone" else "medium"
    if is_secret and who == "anyone" and confidence == "proven":
        severity = "critical"
    return card.finding(
        catalogue.proof("table", row["name"], f'policy "{policy["policy"]}" opens {proofs.listed(columns)}'),
        title=f"{who.capitalize()} may read {proofs.listed(columns, 3)} of every row of {row['name']}",
        severity=severity,
        confidence=confidence,
        change=catalogue.narrowed_to_owner(row, policy, "then show the public columns through a view"),
    )
