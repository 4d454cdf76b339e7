"""A table that the API serves to everybody, because row security is off."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding, Severity
from freehold.core.ports import Facts

card = Card(
    id="table-without-row-security",
    family="FH-A03",
    title="A table has no row security",
    severity="critical",
    confidence="proven",
    impact="The API serves this table without asking who calls: anybody with the public key can do what is listed.",
    fix="Turn row security on and write a policy for each thing that the app does with the table.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    needs="database",
    silent="tables outside schema public, tables that anon and authenticated have no rights on, tables of extensions",
)
_VERBS = ("select", "insert", "update", "delete")


def check(facts: Facts) -> Iterator[Finding]:
    """Look at each table's rights."""
    for row in catalogue.tables(facts):
        anon = [verb for verb in _VERBS if row[f"anon_{verb}"]]
        user = [verb for verb in _VERBS if row[f"user_{verb}"]]
        if row["row_security"] or not (anon or user):
            continue
        name = catalogue.quoted(row["name"])
        asleep = f", and its {row['policies']} policies do nothing" if row["policies"] else ""
        may = f"anybody may {', '.join(anon)}" if anon else f"any signed-in user may {', '.join(user)}"
        confidence = catalogue.certainty(facts, row["name"])
        worst: Severity = "critical" if anon and confidence == "proven" else "high"
        yield card.finding(
            catalogue.proof("table", row["name"], may + asleep),
            title=f"Table {row['name']} has no row security{asleep}",
            severity=worst if confidence == "proven" else "medium",
            confidence=confidence,
            change=f"alter table public.{name} enable row level security;",
        )
