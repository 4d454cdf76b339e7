"""A table with personal data or secrets that everybody may read."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue, proofs
from freehold.core.finding import Card, Finding
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
        if not secrets and (not personal or not is_of_users):
            continue
        yield _finding(
            facts, policy, who, secrets or personal, worst=bool(secrets), certain=bool(secrets) or is_of_users
        )


def _finding(  # noqa: PLR0913 - the parts of one sentence
    facts: Facts, policy: catalogue.Row, who: str, columns: list[str], *, worst: bool, certain: bool
) -> Finding:
    confidence = catalogue.certainty(facts, policy["name"], "proven" if certain else "likely")
    is_open = who == "anyone"
    severity = (
        "critical" if worst and is_open and confidence == "proven" else "high" if is_open and certain else "medium"
    )
    return card.finding(
        catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" opens {proofs.listed(columns)}'),
        title=f"{who.capitalize()} may read {proofs.listed(columns, 3)} of every row of {policy['name']}",
        severity="high" if worst and severity == "medium" else severity,  # type: ignore[arg-type]
        confidence=confidence,
        change=catalogue.narrowed_to_owner(
            catalogue.table(facts, policy["name"]) or {}, policy, "then show the public columns through a view"
        ),
    )
