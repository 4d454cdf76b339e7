"""Answers that any website may read with the visitor's cookies."""

import re
from collections.abc import Iterator

from freehold.audit import proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="cors-with-credentials",
    family="FH-B03",
    title="Any website may call this API with the visitor's session",
    severity="high",
    confidence="likely",
    impact="A page that a signed-in user opens elsewhere can read and change his data here.",
    fix="Allow the app's own origins by name.",
    owasp="A02:2025",
    asvs=("3.4.2",),
    silent="`*` without credentials (browsers then send no cookies), origins compared with a list",
)
_HEADER = re.compile(r"""Access-Control-Allow-Credentials["']?\s*[:,]\s*["'`]true""", re.IGNORECASE)
_REFLECTED = re.compile(
    r"""Access-Control-Allow-Origin["']?\s*[:,]\s*(?:req(?:uest)?\.headers(?:\.get\(\s*["']origin["']\s*\)|\.origin|\[["']origin["']\])|origin\b)""",
    re.IGNORECASE,
)
_PACKAGE = re.compile(r"\bcors\(\s*\{(?P<options>[^{}]*)\}", re.DOTALL)
_PYTHON = re.compile(r"CORSMiddleware\s*,(?P<options>[^()]*(?:\([^()]*\)[^()]*)*)\)", re.DOTALL)
_LIST = re.compile(r"includes\(|allowed\w*(?:origins?)?\b|whitelist|allowlist|\.has\(|ALLOWED", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Headers set by hand, the cors package, and FastAPI's middleware."""
    paths = facts.code("server", "function")
    for path, text, _ in proofs.search(facts, paths, _HEADER):
        reflected = _REFLECTED.search(text)
        if reflected and not _LIST.search(text):
            yield _finding(path, text, reflected.start())
    for path, text, match in proofs.search(facts, paths, _PACKAGE):
        options = match["options"]
        if re.search(r"credentials\s*:\s*true", options) and re.search(r"origin\s*:\s*(?:true|[\"']\*[\"'])", options):
            yield _finding(path, text, match.start())
    for path, text, match in proofs.search(facts, paths, _PYTHON):
        options = match["options"]
        every = re.search(
            r"""allow_origins\s*=\s*\[\s*["']\*["']\s*\]|allow_origin_regex\s*=\s*["']\.\*["']""", options
        )
        if every and re.search(r"allow_credentials\s*=\s*True", options):
            yield _finding(path, text, match.start())


def _finding(path: str, text: str, offset: int) -> Finding:
    return card.finding(
        proofs.at(path, text, offset, "credentials, and the origin that was sent"),
        change='origin: ["https://your-app.example"], credentials: true',
    )
