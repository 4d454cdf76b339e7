"""Workflows that run what strangers write."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="workflow-injection",
    family="FH-C02",
    title="A workflow runs what strangers write",
    severity="high",
    confidence="likely",
    impact="Whoever opens an issue or a pull request with a crafted title runs commands with the repository's secrets.",
    fix="Hand the text over by the environment, and never check out a stranger's branch in pull_request_target.",
    owasp="A08:2025",
    asvs=("15.2.4",),
    silent="numbers and ids, texts handed over by env, expressions outside of run",
)
_WORKFLOW = re.compile(r"^\.github/workflows/[^/]+\.ya?ml$")
_TEXT = re.compile(
    r"\$\{\{[^}]*github\.(?:event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label))|comment\.body"
    r"|review\.body|head_commit\.message|discussion\.(?:title|body))|head_ref)[^}]*\}\}"
)
_CHECKOUT = re.compile(r"ref\s*:\s*\$\{\{\s*github\.event\.pull_request\.head\.(?:sha|ref)")


def check(facts: Facts) -> Iterator[Finding]:
    """Texts in run: blocks, and checkouts of strangers' branches."""
    for path in facts.files:
        if not _WORKFLOW.match(path):
            continue
        text = facts.text(path)
        found = [
            proofs.at(path, text, match.start(), match[0])
            for match in _TEXT.finditer(text)
            if _is_in_run(text, match.start())
        ]
        if "pull_request_target" in text:
            found += [
                proofs.at(path, text, match.start(), "checks out a stranger's branch with the repository's rights")
                for match in _CHECKOUT.finditer(text)
            ]
        if found:
            yield card.finding(*found, change='env:\n  TITLE: ${{ github.event.issue.title }}\nrun: echo "$TITLE"')


def _is_in_run(text: str, offset: int) -> bool:
    """Whether the nearest key above with less or the same indentation is `run`."""
    lines = text[:offset].split("\n")
    last = lines[-1]
    if re.match(r"\s*(-\s*)?run\s*:", last):
        return True
    indent = len(last) - len(last.lstrip())
    for line in reversed(lines[:-1]):
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            return bool(re.match(r"\s*(-\s*)?run\s*:\s*[|>]", line))
    return False
