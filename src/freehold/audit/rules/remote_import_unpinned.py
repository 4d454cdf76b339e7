"""Edge functions that import whatever is newest at an address."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="remote-import-unpinned",
    family="FH-C01",
    title="Functions import code without a version",
    severity="low",
    confidence="proven",
    impact="The next deploy may run other code than you tested; a package that was taken over reaches you at once.",
    fix="Write the version. Freehold keeps copies of what it found at build time.",
    owasp="A03:2025",
    asvs=("15.2.4",),
    silent="a major version such as @2 (usual in builders' templates), Deno's own modules",
)
_IMPORT = re.compile(
    r"""(?:from|import)\s*\(?\s*["'](?P<name>https://(?:esm\.sh|cdn\.skypack\.dev|unpkg\.com|cdn\.jsdelivr\.net/npm|deno\.land/x|esm\.run)/"""
    r"""(?P<rest>[^"']+))["']"""
)
_VERSION = re.compile(r"^(?:v\d+/)?(?:\*)?(?:@[\w.-]+/)?[\w.-]+@[\^~]?v?\d")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding with all places."""
    found = [
        proofs.at(path, text, match.start(), match["name"])
        for path, text, match in proofs.search(facts, facts.code("function"), _IMPORT)
        if not _VERSION.match(match["rest"])
    ]
    if found:
        yield card.finding(*found, change='import { createClient } from "npm:@supabase/supabase-js@2.98.0";')
