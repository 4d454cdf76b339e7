"""A filter of supabase-js put together from what the caller sent."""

import re
from collections.abc import Iterator

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="filter-from-input",
    family="FH-D02",
    title="A filter is put together from what the caller sent",
    severity="medium",
    confidence="likely",
    impact="A caller adds his own conditions to .or(): in a function with the service key he reads rows of others.",
    fix="Use .eq() and .ilike(), or put the value in double quotes and escape those in it.",
    owasp="A05:2025",
    asvs=("1.2.4",),
    silent="browser code (row security judges there in any case), constants, values that the function made itself, "
    "values that a comparison with an id has let through before, which no other text survives",
)


def check(facts: Facts) -> Iterator[Finding]:
    """.or(`...${input}...`) in functions and servers."""
    for path, root in syntax.trees(facts, facts.code("server", "function"), ".or("):
        if path.endswith(".py"):
            continue
        names = syntax.inputs(root)
        found = []
        for node, given in syntax.calls(root, "or"):
            parts = [part for item in given for part in item.find_all(kind="template_substitution")]
            before = facts.text(path)[: node.range().start.index]
            if any(syntax.is_input(part, names) and not _is_sifted(part.text(), before) for part in parts):
                found.append(proofs.at_node(path, node.field("function") or node, "or() with a value from the request"))
        if found:
            yield card.finding(*found, change='.or(`title.ilike."%${value.replace(/["\\\\\\\\]/g, "")}%"`)')


def _is_sifted(part: str, before: str) -> bool:
    """Whether the value was compared with an id column, and the function ended when that failed or found nothing."""
    name = part.removeprefix("${").removesuffix("}").strip()
    if not re.fullmatch(r"\w+", name):
        return False
    compared = re.compile(
        rf"""\.(?:eq\(\s*["'`](?:id|\w+_id)["'`]\s*,\s*{name}\s*\)|in\(\s*["'`](?:id|\w+_id)["'`]\s*,\s*\[[^\]]*\b{name}\b[^\]]*\]\s*\))"""
        r"[^;]*;\s*(?:\n\s*)*if\s*\([^)]*(?:rr\b|rror\b|!\w|length)[^{;]*\)\s*\{?\s*(?:return|throw)\b"
    )
    return bool(compared.search(before))
