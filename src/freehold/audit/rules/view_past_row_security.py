"""A view that shows protected tables with its owner's rights."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="view-past-row-security",
    family="FH-A06",
    title="A view passes over row security",
    severity="high",
    confidence="likely",
    impact="Whoever may read the view sees rows that the policies of the tables behind it would hide.",
    fix="Make the view ask as its caller; if it is meant to be public, give it the public columns only.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    needs="database",
    silent="views with security_invoker, views on tables without row security, views that nobody may read, "
    "views that themselves ask auth.uid(), views that are named public and show no personal or secret column",
)
_PUBLIC = re.compile(r"(^|_)public(_|$)", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Views and materialized views; those on auth.users have a rule of their own."""
    for row in catalogue.views(facts):
        hidden = [name for name in row["protected"] if name != "auth.users"]
        if row["invoker"] or not hidden or "auth.users" in row["protected"] or "auth.uid()" in row["definition"]:
            continue
        if not (row["anon_select"] or row["user_select"]):
            continue
        telling = catalogue.matching(row["columns"], catalogue.PERSONAL) + catalogue.matching(
            row["columns"], catalogue.SECRET
        )
        if row["anon_writes"]:
            yield _writable(facts, row, hidden)
            continue
        if not telling and _PUBLIC.search(row["name"]):
            continue
        name, is_stored = catalogue.quoted(row["name"]), row["kind"] == "m"
        change = f"alter view public.{name} set (security_invoker = true);"
        if is_stored:
            change = f"revoke select on public.{name} from anon, authenticated;"
        who = "anybody" if row["anon_select"] else "any signed-in user"
        yield card.finding(
            catalogue.proof("view", row["name"], f"{who} may read it; behind it: {proofs.listed(hidden)}"),
            title=f"{'Materialized view' if is_stored else 'View'} {row['name']} passes over row security",
            severity="high" if telling and row["anon_select"] else "medium",
            confidence=catalogue.certainty(facts, row["name"], "likely"),
            change=change,
        )


def _writable(facts: Facts, row: catalogue.Row, hidden: list[str]) -> Finding:
    """A plain view can be written through, and the platform's default grants let strangers: row security never asks."""
    verbs = " and ".join(row["anon_writes"])
    return card.finding(
        catalogue.proof(
            "view", row["name"], f"anybody may {verbs} rows through it; behind it: {proofs.listed(hidden)}"
        ),
        title=f"View {row['name']} lets anybody {verbs} rows of {proofs.listed(hidden)}",
        severity="high",
        confidence=catalogue.certainty(facts, row["name"], "likely"),
        impact="PostgreSQL writes through simple views with their owner's rights, and the platform grants every right "
        "on new views to anon by default.",
        fix="Take the right to write through it away; if it must not pass over row security at all, let it ask as "
        "its caller.",
        change=f"revoke insert, update, delete on public.{catalogue.quoted(row['name'])} from anon, authenticated;",
    )
