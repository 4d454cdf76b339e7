"""The [auth] tables of supabase/config.toml, as the inventory has them, and where they stand."""

import re

from freehold.audit import proofs
from freehold.core.finding import Proof
from freehold.core.ports import Facts
from freehold.kit import toml

CONFIG = "supabase/config.toml"


def value(facts: Facts, *path: str) -> object:
    """A setting by its path below the root, None when it is not set."""
    if facts.inventory is None:
        return None
    return toml.table(facts.inventory.settings, *path[:-1]).get(path[-1])


def place(facts: Facts, name: str, said: str) -> Proof:
    """The line of a setting."""
    text = facts.text(CONFIG)
    match = re.search(rf"^\s*{re.escape(name)}\s*=", text, re.MULTILINE)
    return proofs.at(CONFIG, text, match.start() if match else 0, said)
