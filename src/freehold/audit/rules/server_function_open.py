"""A server function of TanStack Start that acts with every right for callers it never asks about."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="server-function-open",
    family="FH-A08",
    title="A server function acts with every right for anybody",
    severity="high",
    confidence="likely",
    impact="Every server function is an address of its own: anybody can call it without the page that usually does.",
    fix="Put the middleware that asks for the user in front.",
    owasp="A01:2025",
    asvs=("8.2.1",),
    silent="functions with a middleware, functions that ask for the user or compare a secret, functions that look a "
    "row up by a token that their caller has to know, functions that read only what is public, functions without the "
    "service key",
)
_MADE = re.compile(r"createServerFn\s*\(")
_ADMIN = re.compile(r"\bsupabaseAdmin\b|SERVICE_ROLE_KEY|client\.server[\"']")
_ASKS = re.compile(
    r"\.middleware\s*\(|getUser\s*\(|getClaims\s*\(|_SECRET|timingSafeEqual|access_?token"
    r"|\b(?:require|assert|verify|authenticate|ensure|check|authorize|guard|resolve|load)[A-Z]\w*\("
    r"|\.eq\(\s*[\"'`]\w*(?:token|secret|api_key|key_hash|access_code"
    r"|(?:public|shared?|invit\w+)_(?:slug|id|key|code|link))\w*[\"'`]",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\.(?:insert|update|upsert|delete|rpc|createUser|deleteUser)\s*\(")


def check(facts: Facts) -> Iterator[Finding]:
    """Each createServerFn up to the next one; one finding for those that write, one for those that read."""
    found: dict[bool, list[Proof]] = {True: [], False: []}
    for path in facts.code("server", "browser"):
        text = facts.text(path)
        if "createServerFn" not in text or not _ADMIN.search(text):
            continue
        starts = [match.start() for match in _MADE.finditer(text)]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            part = text[start:end]
            if _ADMIN.search(part) and not _ASKS.search(part):
                proof = proofs.at(path, text, start, "takes the service key and never asks who calls")
                found[bool(_WRITES.search(part))].append(proof)
    for writes, places in found.items():
        if places:
            count = len(places)
            yield card.finding(
                *places,
                title=f"{count} server functions act with every right for anybody" if count > 1 else "",
                severity="high" if writes else "medium",
                confidence="likely" if writes else "possible",
                change='createServerFn({ method: "POST" }).middleware([requireSupabaseAuth])',
            )
