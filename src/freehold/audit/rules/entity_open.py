"""Base44 entities that everybody may read and write."""

import re
from collections.abc import Iterator

from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="entity-open",
    family="FH-A12",
    title="Entities without access rules",
    severity="high",
    confidence="proven",
    impact="Everybody, also without an account, can read, change and delete all records: that is the builder's "
    "rule for entities that have none of their own.",
    fix="Add rules to each entity's file.",
    owasp="A01:2025",
    asvs=("8.2.2",),
    silent="entities with rules, the entity User, schemas that another builder made",
)
_ENTITY = re.compile(r"(^|/)base44/entities/(?P<name>\w+)\.jsonc?$|(^|/)entities/(?P<old>\w+)\.jsonc?$")
_CHANGE = """"rls": { "create": { "created_by_id": "{{user.id}}" }, "read": { "created_by_id": "{{user.id}}" },
  "update": { "created_by_id": "{{user.id}}" }, "delete": { "created_by_id": "{{user.id}}" } }"""


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that lists them; what a file says outside of strings and comments counts."""
    is_base44 = facts.inventory is not None and facts.inventory.builder == "base44"
    found = []
    for path in facts.files:
        match = _ENTITY.search(path)
        if match is None or not (is_base44 or "base44/entities/" in path):
            continue
        text = facts.text(path)
        name = match["name"] or match["old"]
        if name != "User" and '"properties"' in text and not re.search(r'"(rls|security)"\s*:', text):
            found.append(Proof(path=path, object=f"entity {name}", text="has no rules"))
    if found:
        count = len(found)
        yield card.finding(
            *found, title=f"{count} entit{'ies' if count > 1 else 'y'} without access rules", change=_CHANGE
        )
