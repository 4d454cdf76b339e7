"""Rights that only browser code decides, by an address that stands in it."""

import re
from collections.abc import Iterator

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="admin-by-email-in-browser",
    family="FH-A09",
    title="Browser code decides who is an administrator",
    severity="medium",
    confidence="possible",
    impact="The test only hides pages: what they do can be done by anybody whom the policies let through. It "
    "also shows every visitor whose account is worth attacking.",
    fix="Keep roles in a table that users cannot write, and ask it in policies.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    silent="apps whose policies or functions name the same address (the database decides there, too)",
)
_EMAIL = re.compile(r"""^["'`][\w.+-]+@[\w-]+\.[\w.]+["'`]$""")
_EXAMPLE = re.compile(r"@(example|test|domain|email|mail)\.", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """`user.email === "..."` in code of the browser."""
    migrations = "\n".join(item.sql for item in facts.inventory.migrations) if facts.inventory else ""
    for path, root in syntax.trees(
        facts, facts.code("browser"), "email === ", "email == ", "email !== ", "email?.toLowerCase()"
    ):
        found = []
        for node in root.find_all(kind="binary_expression"):
            left, right = node.field("left"), node.field("right")
            if (
                left is None
                or right is None
                or not re.search(r"\bemail\b", left.text())
                or not _EMAIL.match(right.text())
            ):
                continue
            if not _EXAMPLE.search(right.text()) and right.text()[1:-1] not in migrations:
                found.append(proofs.at_node(path, node, "compares the user's address with a fixed one"))
        if found:
            yield card.finding(*found, change="using (public.has_role((select auth.uid()), 'admin'))")
