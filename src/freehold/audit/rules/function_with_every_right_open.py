"""An edge function that acts with the service key for callers it never asks about."""

import re
from collections.abc import Iterator
from dataclasses import replace

from freehold.audit import edge_functions, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="function-with-every-right-open",
    family="FH-A07",
    title="A function acts with every right for anybody",
    severity="high",
    confidence="likely",
    impact="Anybody can call it by its address: it passes over row security and never asks who calls. "
    "verify_jwt does not help, because the public key is a valid token.",
    fix="Ask who calls before using the service key, and compare what he asks for with who he is.",
    owasp="A01:2025",
    asvs=("8.2.1", "8.3.1"),
    silent="functions that ask for the user, compare a secret or check a signature; functions that only hand "
    "the caller's own token on; webhooks (see webhook-without-signature); functions that take nothing "
    "from the caller and cannot be told apart from a scheduled job are possible only; functions that only read rows "
    "that are published, or tables that the schema opens to anybody",
)
_CHANGE = """const token = req.headers.get("Authorization")?.replace("Bearer ", "") ?? "";
const { data: { user } } = await supabase.auth.getUser(token);
if (!user) return new Response("Unauthorized", { status: 401, headers: corsHeaders });"""
_TAKES_INPUT = ("req.json", "request.json", "searchParams", "formData", "req.text", "request.text")
_PUBLISHED = re.compile(
    r"""\.eq\(\s*["'`](?:is_)?(?:status|state|visibility|published|public|approved|active|listed|live)["'`]\s*,\s*"""
    r"""(?:true|["'`](?:published|public|approved|active|listed|live)["'`])"""
)
_SENDS = re.compile(r"\.send\s*\(|\bfetch\s*\(")
_SHOWN_TO_ALL = re.compile(r"(^|-|_)(public|sitemap|feed|rss|health|manifest)(-|_|$)", re.IGNORECASE)
_FOR_ALL = re.compile(
    r"storefront|public|subscribe|track|sitemap|feed|rss|preferences|checkout|contact|health|resolve|manifest|share|embed|og-"
    r"|opt-?out|verify-email|waitlist|lead",
    re.IGNORECASE,
)
"""Names of what is usually open on purpose."""


def check(facts: Facts) -> Iterator[Finding]:
    """What takes input is likely exploitable; what takes none may be a job that does no harm when it runs once more."""
    found: dict[bool, list[edge_functions.Reading]] = {True: [], False: []}
    for reading in facts.once(edge_functions.readings):
        shown = (
            reading.shows_what_all_see
            or _only_publishes(reading.text)
            or _shows_to_all(reading.function.name, reading.text)
        )
        asked = reading.asks or reading.is_webhook or shown
        if reading.service is not None and not asked:
            takes = any(word in reading.text for word in _TAKES_INPUT)
            found[takes and not _FOR_ALL.search(reading.function.name)].append(reading)
    for sure, readings in found.items():
        if readings:
            yield _finding(readings, sure=sure)


def _only_publishes(text: str) -> bool:
    """Whether it reads and nothing else, each time with a condition that the row is published."""
    reads = [text[match.end() :].split(";", 1)[0] for match in edge_functions.READS.finditer(text)]
    return bool(reads) and not _does_more(text) and all(_PUBLISHED.search(part) for part in reads)


def _shows_to_all(name: str, text: str) -> bool:
    """Whether it says by its name that it is for everybody, reads only, and takes nothing from its caller."""
    takes = any(word in text for word in _TAKES_INPUT)
    return bool(_SHOWN_TO_ALL.search(name)) and not takes and not _does_more(text)


def _does_more(text: str) -> bool:
    return bool(edge_functions.CHANGES.search(text) or _SENDS.search(text))


def _finding(readings: list[edge_functions.Reading], *, sure: bool) -> Finding:
    names = [reading.function.name for reading in readings]
    what = f"Function {names[0]} acts" if len(names) == 1 else f"{len(names)} functions act"
    return card.finding(
        *(replace(reading.service, text=_said(reading)) for reading in readings if reading.service),
        title=f"{what} with every right for anybody" + (f": {proofs.listed(names)}" if len(names) > 1 else ""),
        severity="high" if sure else "medium",
        confidence="likely" if sure else "possible",
        change=_CHANGE,
    )


def _said(reading: edge_functions.Reading) -> str:
    gate = reading.gate
    return f"{reading.function.name} takes the service key and never asks who calls; {gate}"
