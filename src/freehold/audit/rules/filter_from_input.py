"""A filter of supabase-js put together from what the caller sent."""

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
    silent="browser code (row security judges there in any case), constants, values that the function made itself",
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
            if any(syntax.is_input(part, names) for part in parts):
                found.append(proofs.at_node(path, node.field("function") or node, "or() with a value from the request"))
        if found:
            yield card.finding(*found, change='.or(`title.ilike."%${value.replace(/["\\\\\\\\]/g, "")}%"`)')
