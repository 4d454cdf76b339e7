"""A bucket that takes files of any size and kind."""

from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="bucket-without-limits",
    family="FH-A10",
    title="Public buckets take files of any size and kind",
    severity="low",
    confidence="proven",
    impact="Users can store web pages with scripts under your address, or very large files at your cost.",
    fix="Set the largest size and the allowed types.",
    owasp="A02:2025",
    asvs=("5.2.1",),
    needs="database",
    silent="private buckets; buckets with one of the two limits; buckets to which no policy lets users add files",
)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for all of them."""
    found = [
        row["name"]
        for row in catalogue.buckets(facts)
        if row["is_public"] and not row["has_size_limit"] and not row["has_types"] and _takes_files(facts, row["name"])
    ]
    if found:
        names = ", ".join(f"'{name}'" for name in found)
        yield card.finding(
            *(Proof(object=f"bucket {name}", text="no size limit, no list of types") for name in found),
            change="update storage.buckets set file_size_limit = 10485760,\n"
            f"  allowed_mime_types = array['image/png', 'image/jpeg', 'image/webp'] where id in ({names});",
        )


def _takes_files(facts: Facts, bucket: str) -> bool:
    """Whether a policy lets strangers or users add files to it."""
    return any(
        policy["name"] == "objects"
        and policy["permissive"]
        and policy["command"] in ("INSERT", "ALL")
        and frozenset(policy["roles"]) & (catalogue.ANYONE | catalogue.SIGNED_IN)
        and _is_about(policy["check_text"] or policy["using_text"], bucket)
        for policy in catalogue.policies(facts, "storage")
    )


def _is_about(condition: str, bucket: str) -> bool:
    return f"'{bucket}'" in condition or "bucket_id" not in condition
