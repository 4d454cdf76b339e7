"""A secret under a name that the build writes into the files every visitor loads."""

import re
from collections import defaultdict
from collections.abc import Iterator

from freehold.audit import environment, proofs
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="secret-name-in-browser",
    family="FH-B01",
    title="Browser code reads a secret",
    severity="critical",
    confidence="proven",
    impact="The build writes the value into the app's files: every visitor has it.",
    fix="Call the service from a function that reads the secret under a name without the public prefix, and "
    "make a new key.",
    owasp="A02:2025",
    asvs=("13.3.1",),
    silent="publishable, anon and site keys, addresses and ids, keys for maps and Firebase, names that only "
    "servers read",
)
_READ = re.compile(r"(?:import\.meta\.env|process\.env)(?:\??\.|\[[\"'`])(?P<name>[A-Z][A-Z0-9_]+)")


def check(facts: Facts) -> Iterator[Finding]:
    """Proven when a .env of the sources gives the name a value, likely when code only reads it."""
    places: dict[str, list[Proof]] = defaultdict(list)
    for path, text, match in proofs.search(facts, facts.code("browser"), _READ):
        name = match["name"]
        if environment.is_baked(name) and environment.is_secret_name(name):
            places[name].append(proofs.at(path, text, match.start(), f"reads {name}"))
    for setting in facts.once(environment.settings):
        if environment.is_baked(setting.name) and environment.is_secret_value(setting):
            places[setting.name].append(setting.proof())
    for name, found in sorted(places.items()):
        has_value = any(proof.text.endswith("has a value") for proof in found)
        is_read = any(proof.text.startswith("reads") for proof in found)
        proven = has_value and is_read
        yield card.finding(
            *found,
            title=f"{name} is a secret, and the build publishes it",
            severity="critical" if proven else "high",
            confidence="proven" if proven else "likely",
            change=f'Deno.env.get("{environment.bare(name)}")  // in a function, instead of import.meta.env.{name}',
        )
