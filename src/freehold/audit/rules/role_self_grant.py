"""A user who may add his own row to the table of roles makes himself administrator."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="role-self-grant",
    family="FH-A05",
    title="Users may give themselves a role",
    severity="critical",
    confidence="proven",
    impact="Anybody who signs up can insert a row with role admin for himself and gets every right the app "
    "gives admins.",
    fix="Let only administrators, or a trigger at sign-up, write this table.",
    owasp="A01:2025",
    asvs=("8.2.3",),
    needs="database",
    silent="policies that ask for an existing administrator, or that allow one harmless role only",
)
_ROLE_TABLE = re.compile(r"^(user_roles?|roles_users|admin_users|admins|user_permissions|role_assignments)$")


def check(facts: Facts) -> Iterator[Finding]:
    """Look for a policy that asks only whose row it is."""
    for policy in catalogue.policies(facts):
        if (
            not _ROLE_TABLE.match(policy["name"])
            or policy["command"] not in ("INSERT", "ALL")
            or not policy["permissive"]
        ):
            continue
        row = catalogue.table(facts, policy["name"])
        text = (
            (policy["check_text"] or policy["using_text"]).lower().replace("( select auth.uid() as uid)", "auth.uid()")
        )
        own = re.fullmatch(r"\(*\s*(auth\.uid\(\) = \w+|\w+ = auth\.uid\(\))\s*\)*", text)
        if row is None or not row["user_insert"] or not (own or catalogue.audience(policy)):
            continue
        confidence = catalogue.certainty(facts, policy["name"])
        yield card.finding(
            catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}" for {policy["command"]}'),
            title=f"Users may add their own row to {policy['name']}",
            severity="critical" if confidence == "proven" else "high",
            confidence=confidence,
            change=f'drop policy "{policy["policy"]}" on public.{catalogue.quoted(policy["name"])};',
        )
