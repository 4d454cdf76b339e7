"""A page that sends its visitor wherever the address says."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="open-redirect",
    family="FH-D01",
    title="A link into the app leads anywhere",
    severity="medium",
    confidence="likely",
    impact="A link with your address leads to a false sign-in page; with javascript: it runs a script in the "
    "visitor's session.",
    fix="Take paths of the app only: they begin with one slash, not two.",
    owasp="A01:2025",
    asvs=("1.2.1",),
    silent="navigate() of a router (it stays in the app), constants, values that are tested for a leading "
    "slash or an own origin",
)
_SOURCE = re.compile(r"[sS]earchParams?\s*\.\s*get\s*\(|URLSearchParams\([^)]*\)\s*\.get\(|\.query\.\w+|location\.hash")
_GUARD = re.compile(
    r"startsWith\(\s*[\"'`]/|\.origin\b|isSafe|isValid|allowed|whitelist|isRelative|safeRedirect", re.IGNORECASE
)


def check(facts: Facts) -> Iterator[Finding]:
    """Assignments to location, and redirects of servers, with a value from the query."""
    for path, root in syntax.trees(facts, facts.code("browser", "server", "function"), "location", "redirect("):
        if path.endswith(".py") or _GUARD.search(facts.text(path)):
            continue
        names = syntax.inputs(root, _SOURCE)
        found = [proofs.at_node(path, node) for node, value in _sinks(root) if syntax.is_input(value, names, _SOURCE)]
        if found:
            yield card.finding(
                *found, change='const next = target?.startsWith("/") && !target.startsWith("//") ? target : "/";'
            )


def _sinks(root: SgNode) -> Iterator[tuple[SgNode, SgNode]]:
    for assignment in root.find_all(kind="assignment_expression"):
        left, right = assignment.field("left"), assignment.field("right")
        if (
            left is not None
            and right is not None
            and re.fullmatch(r"(?:window\.|document\.)?location(?:\.href)?", left.text())
        ):
            yield assignment, right
    for node, given in syntax.calls(root, "assign", "replace", "redirect"):
        called = node.field("function")
        if called is None or not given:
            continue
        if re.fullmatch(
            r"(?:window\.)?location\.(?:assign|replace)|(?:Response|res|NextResponse)\.redirect", called.text()
        ):
            yield node, given[-1] if called.text() == "res.redirect" else given[0]
