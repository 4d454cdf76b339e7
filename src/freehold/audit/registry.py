"""The rules in a fixed order, and those that other packages bring."""

from importlib.metadata import entry_points

from freehold.audit.rules import (
    database_password_published,
    private_key_published,
    provider_key_published,
    service_key_published,
)
from freehold.core.finding import Finding
from freehold.core.ports import Facts, Rule

GROUP = "freehold.rules"
RULES: tuple[Rule, ...] = (
    service_key_published,
    provider_key_published,
    private_key_published,
    database_password_published,
)


def rules() -> tuple[Rule, ...]:
    """Give our own rules first, then those from entry points of the group `freehold.rules`, by name."""
    others = [entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]
    own = {rule.card.id for rule in RULES}
    return (*RULES, *(rule for rule in others if rule.card.id not in own))


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Ask every rule, in order."""
    return tuple(finding for rule in rules() for finding in rule.check(facts))
