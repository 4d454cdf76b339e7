"""A package whose name belongs to nobody at the registry."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="unclaimed-package",
    family="FH-C01",
    title="A package's name is free for anybody to take",
    severity="high",
    confidence="proven",
    impact="The builder installs it from its own index. Elsewhere the name is free: whoever registers it runs "
    "his program on your server at the next install.",
    fix="Install Freehold's stand-in by path and hash, never by name.",
    owasp="A03:2025",
    asvs=("15.2.1", "15.2.4"),
    silent="packages that come from a file or an address with a hash",
)
UNCLAIMED = ("emergentintegrations",)
"""Names that a builder's apps ask for and that were free on PyPI when this list was last looked at (November 2026)."""
_REQUIREMENTS = re.compile(r"(^|/)(requirements[\w.-]*\.txt|pyproject\.toml|Pipfile)$")


def check(facts: Facts) -> Iterator[Finding]:
    """Requirements by name only."""
    pattern = re.compile(rf"^\s*[\"']?(?P<name>{'|'.join(UNCLAIMED)})\b(?!\s*@)", re.MULTILINE)
    paths = [path for path in facts.files if _REQUIREMENTS.search(path)]
    for path, text, match in proofs.search(facts, paths, pattern):
        yield card.finding(
            proofs.at(path, text, match.start("name"), match["name"]),
            title=f"The name {match['name']} is free for anybody to take",
        )
