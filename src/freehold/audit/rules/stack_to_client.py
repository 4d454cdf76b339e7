"""Errors whose inner parts go to the caller."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="stack-to-client",
    family="FH-F01",
    title="Errors are answered with their stack",
    severity="low",
    confidence="proven",
    impact="File names, packages and versions help whoever looks for a way in.",
    fix="Log the stack, and answer with a sentence and a number to look it up by.",
    owasp="A10:2025",
    asvs=("16.5.1",),
    silent="stacks that are logged, answers that only development sends",
)
_STACK = re.compile(
    r"(?:stack|trace|traceback)\s*:\s*(?:\(?\s*\w+(?:\s+as\s+\w+)?\s*\)?)\??\.stack\b|traceback\.format_exc\(\)"
)
_LOGGED = re.compile(r"console\.\w+\(|logger?\.\w+\(|log\w*\(|captureException", re.IGNORECASE)
_DEVELOPMENT = re.compile(r"development|NODE_ENV|isDev|DEBUG", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Answers of functions and servers."""
    found = []
    for path, text, match in proofs.search(facts, facts.code("server", "function"), _STACK):
        before = text[max(0, match.start() - 220) : match.start()]
        answered = re.search(r"new Response\(|\.json\(|\.send\(|JSONResponse\(|HTTPException\(|return \{", before)
        if (
            answered
            and not _LOGGED.search(before[answered.end() :])
            and not _DEVELOPMENT.search(before + text[match.end() :][:60])
        ):
            found.append(proofs.at(path, text, match.start()))
    if found:
        yield card.finding(
            *found, change='return new Response(JSON.stringify({ error: "Something went wrong" }), { status: 500 });'
        )
