"""A server that fetches whatever address its caller sends."""

import re
from collections.abc import Iterator

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="request-to-any-address",
    family="FH-A11",
    title="A server fetches any address that its caller sends",
    severity="medium",
    confidence="likely",
    impact="A caller can make your server ask internal services and the cloud's metadata, and read the answers.",
    fix="Compare the host with a list, refuse private addresses, and do not follow redirects.",
    owasp="A01:2025",
    asvs=("1.3.6", "15.3.2"),
    silent="addresses whose host the source fixes, files that compare the host, test for private addresses or "
    "have a list",
)
_GUARD = re.compile(
    r"hostname|\.host\b|allowed|allowlist|whitelist|isPrivate|isSafeUrl|validateUrl|startsWith\(\s*[\"'`]https://\w",
    re.IGNORECASE,
)
_CHANGE = """const target = new URL(url);
const known = target.protocol === "https:" && ALLOWED_HOSTS.has(target.hostname);
if (!known) return new Response("Bad address", { status: 400 });
await fetch(target, { redirect: "manual" });"""


def check(facts: Facts) -> Iterator[Finding]:
    """Fetch and axios in functions and servers."""
    for path, root in syntax.trees(facts, facts.code("server", "function"), "fetch(", "axios"):
        if path.endswith(".py") or _GUARD.search(facts.text(path)):
            continue
        names = syntax.inputs(root)
        found = [
            proofs.at_node(path, node)
            for node, given in syntax.calls(root, "fetch", "axios", "got")
            if given and syntax.is_input(given[0], names)
        ]
        if found:
            yield card.finding(*found, change=_CHANGE)
