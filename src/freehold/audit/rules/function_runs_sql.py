"""A function that runs whatever SQL its caller sends."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="function-runs-sql",
    family="FH-D02",
    title="A function runs any SQL that its caller sends",
    severity="critical",
    confidence="proven",
    impact="One call of the API reads, changes or drops anything that the function's owner may.",
    fix="Drop the function, or take the right to execute it from anon and authenticated.",
    owasp="A05:2025",
    asvs=("1.2.4",),
    needs="database",
    silent="EXECUTE of constants and of format() with %I and %L, functions that only service_role may execute",
)


def check(facts: Facts) -> Iterator[Finding]:
    """An argument of type text that is executed as it is."""
    for row in catalogue.functions(facts):
        if row["language"] != "plpgsql" or not (row["anon_execute"] or row["user_execute"]) or row["is_trigger"]:
            continue
        executed = [name for name in row["argument_names"] if name and _executes(row["body"], name)]
        if executed:
            confidence = catalogue.certainty(facts, row["name"])
            signature = f"public.{catalogue.quoted(row['name'])}({row['arguments']})"
            worst = row["definer"] and confidence == "proven"
            yield card.finding(
                catalogue.proof(
                    "function", f"{row['name']}({row['arguments']})", f"executes its argument {executed[0]}"
                ),
                title=f"Function {row['name']} runs any SQL that its caller sends",
                severity="critical" if worst else "high",
                confidence=confidence,
                change=f"revoke execute on function {signature} from public, anon, authenticated;",
            )


def _executes(body: str, name: str) -> bool:
    plain = re.sub(r"--[^\n]*", "", body)
    word = re.escape(name)
    return bool(re.search(rf"\bexecute\s+(?:'[^']*'\s*\|\|\s*)?\(?\s*{word}\b", plain, re.IGNORECASE))
