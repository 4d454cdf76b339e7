"""A secret that has a value when nobody sets it."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="default-secret",
    family="FH-B02",
    title="A secret has a default that stands in the sources",
    severity="high",
    confidence="proven",
    impact="Where the name is not set, everybody knows the secret: tokens and sessions can be made at will.",
    fix="End the program when the secret is not set.",
    owasp="A04:2025",
    asvs=("13.2.3", "13.3.1"),
    silent="defaults of addresses, ports and public names; empty defaults",
)
_NAME = (
    r"(?P<name>\w*(?:JWT|SESSION|COOKIE|AUTH|TOKEN|SIGNING|ENCRYPTION|ADMIN|APP)_?\w*(?:SECRET|PASSWORD|KEY)\w*"
    r"|SECRET(?:_KEY)?)"
)
_SCRIPT = re.compile(
    r"""(?:process\.env|Deno\.env\.get)\s*(?:\.|\[?\(?\s*["'`])\s*"""
    + _NAME
    + r"""["'`]?\s*[\])]?\s*(?:\|\||\?\?)\s*["'`](?P<value>[^"'`$]{4,})["'`]"""
)
_PYTHON = re.compile(
    r"""(?:os\.environ\.get|os\.getenv|config|getenv)\(\s*["']"""
    + _NAME
    + r"""["']\s*,\s*(?:default\s*=\s*)?["'](?P<value>[^"']{4,})["']"""
)
_PUBLIC = re.compile(
    r"PUBLISHABLE|PUBLIC|ANON|_URL|_NAME|ISSUER|AUDIENCE|API_KEY_NAME|HEADER|EXPIR|ALGORITHM", re.IGNORECASE
)


def check(facts: Facts) -> Iterator[Finding]:
    """Servers and functions; the value is not shown."""
    for path, text, match in proofs.search(facts, facts.code("server", "function"), _SCRIPT):
        if not _PUBLIC.search(match["name"]):
            yield _finding(path, text, match)
    python = [path for path in facts.code("server") if path.endswith(".py")]
    for path, text, match in proofs.search(facts, python, _PYTHON):
        if not _PUBLIC.search(match["name"]):
            yield _finding(path, text, match)


def _finding(path: str, text: str, match: re.Match[str]) -> Finding:
    name = match["name"]
    change = (
        f'{name} = os.environ["{name}"]'
        if path.endswith(".py")
        else f'if (!process.env.{name}) throw new Error("{name} is not set");'
    )
    return card.finding(
        proofs.at(path, text, match.start(), f"{name} has a default"),
        title=f"{name} has a default that stands in the sources",
        change=change,
    )
