"""Packages that come from an address instead of the registry."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts
from freehold.kit import json_text

card = Card(
    id="package-outside-registry",
    family="FH-C01",
    title="Packages come from addresses instead of the registry",
    severity="low",
    confidence="proven",
    impact="Whoever controls the address or its branch changes the program that your next build installs.",
    fix="Take the registry's release, or name a commit.",
    owasp="A03:2025",
    asvs=("15.2.4",),
    silent="workspace and file packages, git addresses with a full commit, SheetJS's own address (it left the "
    "registry)",
)
_ADDRESS = re.compile(r"^(git(\+\w+)?:|github:|https?:|[\w-]+/[\w.-]+(#|$))")
_COMMIT = re.compile(r"#[0-9a-f]{40}$")


def check(facts: Facts) -> Iterator[Finding]:
    """Dependencies and devDependencies of each package.json."""
    found: list[Proof] = []
    for path in facts.files:
        if path.rsplit("/", 1)[-1] == "package.json" and "node_modules/" not in path:
            found += _outside(path, facts.text(path))
    if found:
        yield card.finding(*found)


def _outside(path: str, text: str) -> Iterator[Proof]:
    try:
        package = json_text.read(text)
    except ValueError:
        return
    for group in ("dependencies", "devDependencies"):
        wanted = package.get(group) if isinstance(package, dict) else None
        for name, version in (wanted if isinstance(wanted, dict) else {}).items():
            address = str(version)
            if _ADDRESS.match(address) and not _COMMIT.search(address) and "cdn.sheetjs.com" not in address:
                yield proofs.at(
                    path, text, max(text.find(f'"{name}"'), 0), f"{name} from {address.split('?', maxsplit=1)[0]}"
                )
