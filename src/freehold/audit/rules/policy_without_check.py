"""A policy that lets owners update their rows, and give them to anybody."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="policy-without-check",
    family="FH-A04",
    title="An update may hand a row to somebody else",
    severity="medium",
    confidence="proven",
    impact="A user can turn his row into another user's: put false data into somebody's account, or escape a limit.",
    fix="Write the same condition into WITH CHECK as into USING.",
    owasp="A01:2025",
    asvs=("8.2.2",),
    needs="database",
    silent="policies without WITH CHECK: PostgreSQL then checks new rows by USING",
)


def check(facts: Facts) -> Iterator[Finding]:
    """WITH CHECK (true) beside a real USING."""
    for policy in catalogue.policies(facts):
        using = policy["using_text"]
        if (
            policy["command"] in ("UPDATE", "ALL")
            and policy["permissive"]
            and catalogue.is_true(policy["check_text"])
            and "auth.uid()" in using
            and set(policy["roles"]) & (catalogue.ANYONE | catalogue.SIGNED_IN)
        ):
            yield card.finding(
                catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" has with check (true)'),
                title=f"An update of {policy['name']} may hand a row to somebody else",
                confidence=catalogue.certainty(facts, policy["name"]),
                change=f'alter policy "{policy["policy"]}" on public.{catalogue.quoted(policy["name"])}\n'
                f"  with check ({using});",
            )
