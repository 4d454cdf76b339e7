"""A policy that lets anybody add rows: right for a contact form, wrong for rows that belong to users."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="open-insert",
    family="FH-A04",
    title="Anybody may add rows in the name of any user",
    severity="high",
    confidence="proven",
    impact="A caller can add rows that belong to somebody else: false orders, messages, scores or roles.",
    fix="Require in WITH CHECK that the new row belongs to the caller.",
    owasp="A01:2025",
    asvs=("8.2.2",),
    needs="database",
    silent="tables whose rows belong to no user, such as contact forms and newsletter lists",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Only tables with a column that refers to users count."""
    for policy in catalogue.policies(facts):
        row = catalogue.table(facts, policy["name"])
        who = catalogue.audience(policy) if policy["command"] == "INSERT" else ""
        if not who or row is None or not row["user_columns"] or catalogue.is_narrowed(facts, policy):
            continue
        if not row["anon_insert" if who == "anyone" else "user_insert"]:
            continue
        owner = catalogue.quoted(row["user_columns"][0])
        yield card.finding(
            catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}", owner column {owner}'),
            title=f"{who.capitalize()} may add rows of {policy['name']} in the name of others",
            severity="high" if who == "anyone" and row["required_users"] else "medium",
            confidence=catalogue.certainty(facts, policy["name"]),
            change=f'alter policy "{policy["policy"]}" on public.{catalogue.quoted(policy["name"])} to authenticated\n'
            f"  with check ((select auth.uid()) = {owner});",
        )
