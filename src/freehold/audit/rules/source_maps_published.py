"""A build that publishes the app's sources."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="source-maps-published",
    family="FH-B04",
    title="The build publishes the app's sources",
    severity="low",
    confidence="proven",
    impact="Every visitor can read the app's own source, comments included.",
    fix="Leave source maps out, or give them to your error tracker only.",
    owasp="A02:2025",
    asvs=("13.4.1",),
    silent="hidden maps, maps in development only",
)
_CONFIG = re.compile(r"(^|/)(vite|next|webpack|craco|rollup)\.config\.[cm]?[jt]s$")
_ON = re.compile(r"\bsourcemap\s*:\s*true|productionBrowserSourceMaps\s*:\s*true|\bsourcemap\s*:\s*[\"']inline[\"']")


def check(facts: Facts) -> Iterator[Finding]:
    """The build's own configuration."""
    paths = [path for path in facts.files if _CONFIG.search(path) and "node_modules" not in path]
    for path, text, match in proofs.search(facts, paths, _ON):
        yield card.finding(proofs.at(path, text, match.start(), match[0]), change='sourcemap: "hidden"')
