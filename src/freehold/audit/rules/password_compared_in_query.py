"""Passwords that stand in a table as they are."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="password-compared-in-query",
    family="FH-A07",
    title="Passwords are kept and compared as plain text",
    severity="high",
    confidence="proven",
    impact="Whoever reads the table has every password; where the browser asks, everybody with the public key may try.",
    fix="Use Supabase's sign-in; move the accounts and have their passwords set again.",
    owasp="A07:2025",
    asvs=("11.4.2", "6.2.1"),
    silent="hashes that are compared by a function, invitation and share codes",
)
_QUERY = re.compile(
    r"""\.(?:eq|match|filter)\(\s*["'`](?:\w+_)?(?:password|passwd|senha|contrasena)["'`]\s*,\s*(?!\s*["'`])(?P<value>[\w.]+)"""
)
_HASH = re.compile(r"hash", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """.eq("password", value) anywhere."""
    found = [
        proofs.at(path, text, match.start(), "looks a row up by its password")
        for path, text, match in proofs.search(facts, facts.code("browser", "server", "function"), _QUERY)
        if not _HASH.search(match["value"])
    ]
    if found:
        yield card.finding(*found, change="await supabase.auth.signInWithPassword({ email, password });")
