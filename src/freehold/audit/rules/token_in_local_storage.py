"""An own token kept where every script of the page can read it."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="token-in-local-storage",
    family="FH-D05",
    title="The app keeps a token in localStorage",
    severity="info",
    confidence="proven",
    impact="One cross-site script takes the session away. supabase-js does the same, so this is a note, not a hole.",
    fix="Keep sessions in HttpOnly cookies where a server of the app sets them.",
    owasp="A07:2025",
    asvs=(),
    silent="supabase-js's own storage, tokens that are no session (CSRF, device, push)",
)
_SET = re.compile(
    r"""localStorage\.setItem\(\s*["'`](?P<name>(?:access_?|auth_?|session_?|jwt_?|user_?|admin_?|id_?|refresh_?|bearer_?)?"""
    r"""(?:token|jwt))["'`]""",
    re.IGNORECASE,
)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding with all places."""
    found = [
        proofs.at(path, text, match.start(), f"sets {match['name']}")
        for path, text, match in proofs.search(facts, facts.code("browser"), _SET)
    ]
    if found:
        yield card.finding(*found)
