"""Accounts for nobody, in an app whose policies trust every account."""

from collections.abc import Iterator

from freehold.audit import auth_table, catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="anonymous-sign-in",
    family="FH-B05",
    title="Anonymous visitors count as signed-in users",
    severity="medium",
    confidence="likely",
    impact="One call without address or password makes an account, and every policy for authenticated lets it through.",
    fix="Turn anonymous sign-in off, or ask auth.jwt() ->> 'is_anonymous' in the policies.",
    owasp="A07:2025",
    asvs=("6.3.1",),
    silent="apps without policies that let every signed-in user through",
)


def check(facts: Facts) -> Iterator[Finding]:
    """enable_anonymous_sign_ins together with policies that ask only whether somebody is signed in."""
    if auth_table.value(facts, "auth", "enable_anonymous_sign_ins") is not True:
        return
    trusting = [
        catalogue.proof("table", policy["name"], f'policy "{policy["policy"]}"')
        for policy in catalogue.policies(facts)
        if catalogue.audience(policy) == "any signed-in user"
    ]
    if trusting:
        setting = auth_table.place(facts, "enable_anonymous_sign_ins", "enable_anonymous_sign_ins = true")
        yield card.finding(setting, *trusting, change="[auth]\nenable_anonymous_sign_ins = false")
