"""A view on auth.users that the API serves."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="users-exposed",
    family="FH-A06",
    title="A view shows auth.users",
    severity="critical",
    confidence="proven",
    impact="The addresses and metadata of all users can be read through the API.",
    fix="Drop the view, or take the right to read it from anon and authenticated; show names from a profiles table.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    needs="database",
    silent="views that ask auth.uid(), views that nobody may read, views with security_invoker",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Anybody is critical, signed-in users high."""
    for row in catalogue.views(facts):
        is_read = row["anon_select"] or row["user_select"]
        if "auth.users" not in row["protected"] or row["invoker"] or not is_read or "auth.uid()" in row["definition"]:
            continue
        confidence = catalogue.certainty(facts, row["name"])
        who = "anybody" if row["anon_select"] else "any signed-in user"
        yield card.finding(
            catalogue.proof("view", row["name"], f"{who} may read it; columns: {', '.join(row['columns'][:8])}"),
            title=f"View {row['name']} shows auth.users to {who}",
            severity="critical" if row["anon_select"] and confidence == "proven" else "high",
            confidence=confidence,
            change=f"revoke select on public.{catalogue.quoted(row['name'])} from anon, authenticated;",
        )
