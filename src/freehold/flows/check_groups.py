"""Findings as people read them: what is alike and many is one matter with many places."""

import re
from collections.abc import Iterable
from dataclasses import replace

from freehold.core.finding import Finding

MANY = 3
"""From how many on findings that are alike are told together; fewer are easier to read one by one."""
NAMED = 12


def together(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Give each group of like findings as one, at the place of its first; the JSON document keeps them apart."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.confidence, finding.impact, finding.fix)
        groups.setdefault(key, []).append(finding)
    return tuple(one for group in groups.values() for one in (group if len(group) < MANY else [_one(group)]))


def _one(group: list[Finding]) -> Finding:
    first, *others = group
    names = list(dict.fromkeys(_name(finding) for finding in others))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return replace(
        first,
        title=f"{first.title}; {len(others)} more like it: {', '.join(names[:NAMED])}{more}",
        proofs=tuple(finding.proofs[0] for finding in group),
        change="\n".join(dict.fromkeys(finding.change for finding in group if finding.change)),
    )


def _name(finding: Finding) -> str:
    """What a finding is about, in a word or two: `orders` of "table public.orders", or the file."""
    proof = finding.proofs[0]
    return re.sub(r"\(.*", "", proof.object).rsplit(" ", 1)[-1].removeprefix("public.") or proof.path
