"""Functions with their owner's rights that look names up where the caller says."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="definer-without-search-path",
    family="FH-A06",
    title="SECURITY DEFINER functions without a fixed search_path",
    severity="low",
    confidence="proven",
    impact="Whoever can create objects in a schema of the path can have them called with the owner's rights. "
    "Callers of the API cannot, so this needs a second hole.",
    fix="Fix the search path of each.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    needs="database",
    silent="functions without SECURITY DEFINER, functions that nobody but their owner may execute",
)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for all of them."""
    found = [
        row
        for row in catalogue.functions(facts)
        if row["definer"] and not row["fixed_path"] and (row["anon_execute"] or row["user_execute"])
    ]
    if found:
        yield card.finding(
            *(catalogue.proof("function", f"{row['name']}({row['arguments']})") for row in found),
            title=f"{len(found)} SECURITY DEFINER function{'s' if len(found) > 1 else ''} without a fixed search_path",
            change="\n".join(
                f"alter function public.{catalogue.quoted(row['name'])}({row['arguments']}) set search_path = public;"
                for row in found
            ),
        )
