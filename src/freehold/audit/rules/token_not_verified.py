"""A server that reads a token and believes it."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="token-not-verified",
    family="FH-D04",
    title="A server believes tokens that it does not verify",
    severity="high",
    confidence="likely",
    impact="Anybody writes a token that names somebody else, and is that user.",
    fix="Verify the signature: supabase.auth.getUser(token), or jwtVerify with the issuer's keys.",
    owasp="A07:2025",
    asvs=("9.1.1", "9.1.2"),
    silent="browser code (it decodes its own token), servers that also verify or compare the whole token with "
    "a secret, functions behind verify_jwt (the platform has verified by then)",
)
_DECODES = re.compile(
    r"""atob\([^)]*split\(\s*["'`]\.["'`]\s*\)\s*\[\s*1\s*\]|\bjwt_?[dD]ecode\s*\(|\bdecodeJwt\s*\(|\bjwt\.decode\s*\("""
    r"""|Buffer\.from\([^)]*split\(\s*["'`]\.["'`]\s*\)\s*\[\s*1\s*\]|verify_signature["']?\s*:\s*False"""
)
_VERIFIES = re.compile(
    r"getUser\s*\(|getClaims\s*\(|timingSafeEqual|[tT]oken\s*===?\s*\w*(?:[kK]ey|[sS]ecret|[rR]ole)\w*|jwtVerify\s*\(|\bjwt\.verify\s*\(|createRemoteJWKSet|verifyIdToken|crypto\.subtle\.verify"
)
_PYTHON_VERIFIES = re.compile(r"jwt\.decode\s*\(\s*\w+\s*,\s*[\w.\[\]\"'()]+\s*,\s*algorithms\s*=")


def check(facts: Facts) -> Iterator[Finding]:
    """Functions and servers; a file that verifies anywhere is trusted to know."""
    gated = {
        path
        for function in (facts.inventory.functions if facts.inventory else ())
        if function.verify_jwt
        for path in (function.entry,)
    }
    for path in facts.code("server", "function"):
        text = facts.text(path)
        match = _DECODES.search(text)
        if match is None or path in gated or _VERIFIES.search(text) or proofs.is_comment(text, match.start()):
            continue
        unverified = "verify_signature" in match[0]
        if path.endswith(".py") and not unverified and _PYTHON_VERIFIES.search(text):
            continue
        yield card.finding(
            proofs.at(path, text, match.start(), "decodes a token, and verifies none"),
            change="const { data: { user } } = await supabase.auth.getUser(token);",
        )
