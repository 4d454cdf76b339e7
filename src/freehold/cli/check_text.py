"""What `freehold check` shows on a terminal of 80 to 100 columns."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from freehold.core.finding import SEVERITIES, Finding, Proof
from freehold.flows.check import Checked
from freehold.flows.check_groups import together
from freehold.flows.check_summary import inventory_rows, schema_rows

WIDEST = 100
NARROWEST = 60
PROOFS_SHOWN = 5
UNKNOWNS_SHOWN = 12
LABEL = 18
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "cyan", "info": "cyan"}


def lines(checked: Checked, report: Path | None = None) -> Iterator[str]:
    """Give the lines from top to bottom."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    yield from _builder(checked, width)
    if checked.inventory:
        yield from _section("What it is made of", inventory_rows(checked.inventory), width)
    if checked.schema:
        yield from _section("Its database", schema_rows(checked.schema), width)
    yield from _findings(checked.findings, width)
    yield from _unknowns(checked, width)
    yield ""
    yield _next(checked, report)


def place(proof: Proof) -> str:
    """One place as a reader can go to it: path:line, or an object of the database."""
    where = f"{proof.path}:{proof.line}" if proof.line else proof.path
    if proof.commit:
        where += f" in commit {proof.commit}"
    return "  ".join(part for part in (proof.object, where, proof.text) if part)


def _builder(checked: Checked, width: int) -> Iterator[str]:
    yield ""
    if not checked.matches:
        yield from _row("Builder", "none that Freehold knows", width)
        return
    for number, match in enumerate(checked.matches[:3]):
        sure = f" ({match.generation})" if match.generation else ""
        evidence = "; ".join(
            f"{item.text} ({item.path}{f':{item.line}' if item.line else ''})" if item.path else item.text
            for item in match.evidence[:3]
        )
        yield from _row("Builder" if number == 0 else "also", f"{match.builder}{sure}, {match.score} points", width)
        yield from _row("", evidence, width)


def _section(title: str, rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    yield ""
    yield _bold(title)
    for name, text in rows:
        yield from _row(name, text, width)


def _row(name: str, text: str, width: int) -> Iterator[str]:
    indent = " " * (LABEL + 2)
    first = f"  {name.ljust(LABEL - 1)} " if name else indent
    yield from textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    ) or [first.rstrip()]


def _findings(findings: tuple[Finding, ...], width: int) -> Iterator[str]:
    yield ""
    if not findings:
        yield _bold("No findings")
        return
    counted = ", ".join(
        f"{count} {severity}"
        for severity in SEVERITIES
        if (count := sum(finding.severity == severity for finding in findings))
    )
    yield _bold(f"Findings: {counted}")
    for finding in together(findings):
        yield ""
        yield from _finding(finding, width)


def _finding(finding: Finding, width: int) -> Iterator[str]:
    first, *rest = _wrapped(f"{finding.severity.upper()} {finding.title}", width, "")
    yield first.replace(finding.severity.upper(), _paint(finding.severity.upper(), _COLOURS[finding.severity]), 1)
    yield from (f"  {line}" for line in rest)
    yield f"  {finding.confidence}, {finding.rule}, OWASP {finding.owasp}, ASVS {', '.join(finding.asvs) or '-'}"
    for proof in finding.proofs[:PROOFS_SHOWN]:
        yield from _wrapped(place(proof), width, "  at  ")
    if len(finding.proofs) > PROOFS_SHOWN:
        yield f"      and {len(finding.proofs) - PROOFS_SHOWN} more places (--json lists all)"
    yield from _wrapped(finding.impact, width, "  why ")
    yield from _wrapped(finding.fix, width, "  fix ")
    for line in finding.change.splitlines():
        yield f"      {line}"


def _wrapped(text: str, width: int, first: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )


def _unknowns(checked: Checked, width: int) -> Iterator[str]:
    if not checked.unknowns:
        return
    yield ""
    yield _bold(f"What could not be determined ({len(checked.unknowns)})")
    for unknown in checked.unknowns[:UNKNOWNS_SHOWN]:
        hint = f" ({unknown.hint})" if unknown.hint else ""
        yield from _wrapped(f"{unknown.what}: {unknown.why}{hint}", width, "  - ")
    if len(checked.unknowns) > UNKNOWNS_SHOWN:
        yield f"  and {len(checked.unknowns) - UNKNOWNS_SHOWN} more (--json lists all)"


def _next(checked: Checked, report: Path | None) -> str:
    up = f"Next: freehold up {checked.app.origin}"
    if checked.inventory is not None and checked.inventory.not_served:
        up = f"`freehold up` does not serve this app yet: {checked.inventory.not_served}"
    if report:
        return f"Report written to {report}. {up}"
    if checked.inventory is None:
        return (
            f"Next: give the app's own folder with its git history, or write it all down: "
            f"freehold check {checked.app.origin} --report report.html"
        )
    share = f"freehold check {checked.app.origin} --report report.html"
    return f"{up}, or share this: {share}" if up.startswith("Next") else f"{up}. Next: {share}"


def _bold(text: str) -> str:
    return click.style(text, bold=True) if _is_coloured() else text


def _paint(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if _is_coloured() else text


def _is_coloured() -> bool:
    return not os.environ.get("NO_COLOR") and sys.stdout.isatty()
