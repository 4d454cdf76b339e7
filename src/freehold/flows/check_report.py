"""A check as one self-contained HTML page: no scripts, nothing loaded, light and dark, fit to print."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from importlib import resources

from freehold import __version__
from freehold.core.finding import Finding, Proof
from freehold.flows.check import Checked
from freehold.flows.check_document import counts
from freehold.flows.check_groups import together
from freehold.flows.check_summary import inventory_rows, schema_rows


def report_page(checked: Checked) -> str:
    """Give the page. Its policy allows its own style by hash, and nothing else at all."""
    style = resources.files(__package__).joinpath("check_report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = escape(f"{checked.app.name}: what Freehold found")
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">',
            f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>",
            *_body(checked),
            "</main>",
            f"<footer>Freehold {escape(__version__)}; sent nothing, ran nothing of the app</footer>",
            "</body>\n</html>\n",
        )
    )


def _body(checked: Checked) -> Iterator[str]:
    yield f"<h1>{escape(checked.app.name)}</h1>"
    best = checked.matches[0] if checked.matches else None
    made = f"Made with {best.builder} {best.generation}, {best.score} points." if best else "Made by no known builder."
    yield f"<p>{escape(made)} Looked at {escape(checked.app.origin)}.</p>"
    if not checked.whole:
        yield '<p class="partial">A part of this check could not be done: see the end of the page.</p>'
    yield _tally(checked)
    yield "<h2>Findings</h2>"
    yield from (_finding(finding) for finding in together(checked.findings))
    if not checked.findings:
        yield "<p>None.</p>"
    if checked.inventory:
        yield _table("What it is made of", inventory_rows(checked.inventory))
    if checked.schema:
        yield _table("Its database", schema_rows(checked.schema))
    if best:
        evidence = (
            (f"{item.weight} points", f"{item.text} ({item.path})" if item.path else item.text)
            for item in best.evidence
        )
        yield _table("Why this builder", evidence)
    if checked.unknowns:
        rows = ((item.what, f"{item.why}. {_sentence(item.hint)}".strip()) for item in checked.unknowns)
        yield _table("What could not be determined", rows)


def _sentence(hint: str) -> str:
    return f"{hint[:1].upper()}{hint[1:]}." if hint else ""


def _tally(checked: Checked) -> str:
    cells = "".join(
        f'<li class="{severity}"><b>{count}</b> {severity}</li>' for severity, count in counts(checked.findings).items()
    )
    return f'<ul class="tally">{cells}</ul>'


def _finding(finding: Finding) -> str:
    proofs = "".join(f"<li>{_proof(proof)}</li>" for proof in finding.proofs)
    change = f"<pre>{escape(finding.change)}</pre>" if finding.change else ""
    return (
        f'<article class="{finding.severity}"><h3><span>{finding.severity}</span> {escape(finding.title)}</h3>'
        f"<p>{escape(finding.impact)}</p><ul>{proofs}</ul>"
        f"<p><b>How to fix it.</b> {escape(finding.fix)}</p>{change}"
        f"<p><small>{finding.confidence}; rule {escape(finding.rule)}; OWASP Top 10 {escape(finding.owasp)}; "
        f"ASVS 5.0 {escape(', '.join(finding.asvs) or '-')}</small></p></article>"
    )


def _proof(proof: Proof) -> str:
    where = f"{proof.path}:{proof.line}" if proof.line else proof.path
    commit = f" in commit {proof.commit}" if proof.commit else ""
    parts = [
        f"<code>{escape(part + commit if part == where else part)}</code>" for part in (proof.object, where) if part
    ]
    return " ".join([*parts, escape(proof.text)])


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<h2>{escape(title)}</h2>\n<table>{body}</table>"
