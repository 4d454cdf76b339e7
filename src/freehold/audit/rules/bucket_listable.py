"""A public bucket whose file names can be listed."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="bucket-listable",
    family="FH-A10",
    title="Anybody may list a public bucket",
    severity="low",
    confidence="proven",
    impact="Files of a public bucket are safe only by names that nobody can guess; a list gives all names away.",
    fix="Drop the SELECT policy: a public bucket serves its files without one.",
    owasp="A01:2025",
    asvs=("13.4.3",),
    needs="database",
    silent="private buckets, policies that name the owner or a folder of the caller, avatar and logo buckets",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Buckets whose names say that their files are shown to everybody are not reported."""
    for bucket in catalogue.buckets(facts):
        if not bucket["is_public"] or catalogue.SHOWN.search(bucket["name"]):
            continue
        for policy in catalogue.policies(facts, "storage"):
            if (
                policy["name"] == "objects"
                and policy["command"] in ("SELECT", "ALL")
                and _opens(policy, bucket["name"])
            ):
                yield card.finding(
                    Proof(object=f"bucket {bucket['name']}", text=f'policy "{policy["policy"]}" of storage.objects'),
                    title=f"Anybody may list the files of bucket {bucket['name']}",
                    severity="medium",
                    change=f'drop policy "{policy["policy"]}" on storage.objects;',
                )
                break


def _opens(policy: catalogue.Row, bucket: str) -> bool:
    text = policy["using_text"]
    named = re.fullmatch(rf"\(*\s*bucket_id = '{re.escape(bucket)}'::text\s*\)*", text)
    return bool(set(policy["roles"]) & catalogue.ANYONE and (named or catalogue.is_true(text)))
