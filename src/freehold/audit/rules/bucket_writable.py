"""A bucket whose files anybody may write, replace or delete."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="bucket-writable",
    family="FH-A10",
    title="Anybody may write a bucket",
    severity="critical",
    confidence="proven",
    impact="A caller without an account can replace or delete other people's files, or fill your disk with his own.",
    fix="Compare the first folder of the name with the caller's id.",
    owasp="A01:2025",
    asvs=("5.2.1",),
    needs="database",
    silent="policies that ask auth.uid(), owner or a folder; uploads that need a signed-in user",
)
_ASKS = re.compile(r"auth\.|owner|foldername|has_role|is_admin|\bexists\b|\w+\(\s*\)", re.IGNORECASE)
_VERBS = {
    "INSERT": "upload into",
    "UPDATE": "replace files of",
    "DELETE": "delete files of",
    "ALL": "change everything in",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Uploads by anybody are high, changing what others uploaded is critical."""
    for policy in catalogue.policies(facts, "storage"):
        text = policy["check_text"] if policy["command"] == "INSERT" else policy["using_text"]
        if policy["name"] != "objects" or policy["command"] not in _VERBS or not policy["permissive"]:
            continue
        if not set(policy["roles"]) & catalogue.ANYONE or not text or _ASKS.search(text):
            continue
        named = re.search(r"bucket_id = '([^']+)'", text)
        bucket = named[1] if named else "every bucket"
        yield card.finding(
            Proof(object=f"bucket {bucket}", text=f'policy "{policy["policy"]}" of storage.objects'),
            title=f"Anybody may {_VERBS[policy['command']]} {bucket}",
            severity="high" if policy["command"] == "INSERT" else "critical",
            change=f'alter policy "{policy["policy"]}" on storage.objects to authenticated\n  '
            + ("with check" if policy["command"] == "INSERT" else "using")
            + f" (bucket_id = '{bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text);",
        )
