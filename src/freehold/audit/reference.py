"""The reference page of the rules, written from their cards."""

from collections.abc import Iterator, Sequence

from freehold.core.ports import Rule

_HEAD = """# Rules of `freehold check`

Generated from the rules themselves by `make docs`. Each rule reads files, git history or the catalogue of the
replayed schema; none of them uses the network or runs any of the app's code. `proven` was seen or follows from what
was seen, `likely` a careful reader would agree with, `possible` is worth a look; only proven findings are critical.
Families are those of the OWASP Top 10:2025 and requirements those of the OWASP ASVS 5.0.0.

The live probe adds findings of its own, named `probe-...`: what it did as a stranger or as another user on planted
rows of the replayed schema, in one transaction that is rolled back. Where a rule has read the same hole, the rule's
finding becomes proven.

Other packages bring rules by the entry point group `freehold.rules`: a module or object with `card` and
`check(facts)`.

| rule | worst | best claim | OWASP | ASVS |
|---|---|---|---|---|
"""


def page(rules: Sequence[Rule]) -> str:
    """Give the page."""
    return _HEAD + "\n".join((*_rows(rules), "", *_sections(rules)))


def _rows(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        card = rule.card
        asvs = ", ".join(card.asvs) or "-"
        yield f"| [{card.id}](#{card.id}) | {card.severity} | {card.confidence} | {card.owasp} | {asvs} |"


def _sections(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        card = rule.card
        needs = {"files": "files", "history": "files and git history", "database": "the replayed schema"}[card.needs]
        yield f"## {card.id}\n"
        yield f"{card.title}. {card.impact}\n"
        yield f"- **Fix:** {card.fix}"
        yield f"- **Looks at:** {needs} ({card.family})"
        if card.silent:
            yield f"- **Silent about:** {card.silent}"
        yield ""
