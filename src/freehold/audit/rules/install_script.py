"""A program that the app's own package.json runs at every install."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts
from freehold.kit import json_text

card = Card(
    id="install-script",
    family="FH-C01",
    title="Installing the app runs a program from the network",
    severity="high",
    confidence="proven",
    impact="Whoever controls the address runs his program on every machine that builds the app.",
    fix="Put the program into the repository, or install it as a package.",
    owasp="A03:2025",
    asvs=("15.2.4",),
    silent="husky, patch-package, prisma generate, playwright install and other programs of installed packages",
)
_STAGES = ("preinstall", "install", "postinstall", "prepare")
_FETCHES = re.compile(
    r"\b(curl|wget)\b.*(\||&&|;).*\b(sh|bash|node|python3?)\b|\b(?:bash|sh)\s+<\(\s*curl|node\s+-e\s+.*https?:|eval\b.*https?:"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Scripts of each package.json that npm runs by itself."""
    for path in facts.files:
        if path.rsplit("/", 1)[-1] != "package.json" or "node_modules/" in path:
            continue
        text = facts.text(path)
        try:
            package = json_text.read(text)
        except ValueError:
            continue
        scripts = package.get("scripts") if isinstance(package, dict) else None
        for stage in _STAGES:
            command = str(scripts.get(stage, "")) if isinstance(scripts, dict) else ""
            if _FETCHES.search(command):
                yield card.finding(
                    proofs.at(path, text, max(text.find(f'"{stage}"'), 0), f"{stage}: {proofs.short(command)}")
                )
