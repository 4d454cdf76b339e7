"""A .env file with secrets among the published files."""

from collections.abc import Iterator
from itertools import groupby

from freehold.audit import environment, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="secret-in-env-file",
    family="FH-B01",
    title="A .env file with secrets stands among the sources",
    severity="high",
    confidence="likely",
    impact="Whoever has the sources has these secrets.",
    fix="Take the file out of git, list it in .gitignore, and change each secret.",
    owasp="A02:2025",
    asvs=("13.3.1",),
    silent="public values (Lovable commits those on purpose), examples, placeholders, files that git ignores",
)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding a file; public prefixes are secret-name-in-browser's."""
    found = [
        item
        for item in facts.once(environment.settings)
        if facts.is_published(item.path) and not environment.is_baked(item.name) and environment.is_secret_value(item)
    ]
    for path, group in groupby(found, key=lambda item: item.path):
        items = list(group)
        names = proofs.listed((item.name for item in items), 4)
        yield card.finding(
            *(item.proof() for item in items),
            title=f"{path} holds secrets: {names}",
            change=f"git rm --cached {path} && echo {path} >> .gitignore",
        )
