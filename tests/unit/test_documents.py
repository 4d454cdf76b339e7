"""Documents cannot lie: what the program has, the reference names."""

import re
from pathlib import Path

import pytest

from freehold.cli.main import COMMANDS
from freehold.core import errors

DOCS = Path(__file__).parents[2] / "docs"
ROOT = DOCS.parent


def _errors() -> list[type[errors.FreeholdError]]:
    found = [errors.FreeholdError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


def test_every_error_code_stands_in_the_reference_with_its_name() -> None:
    text = (DOCS / "reference/errors.md").read_text()
    for kind in _errors():
        assert f"| {kind.code} | {kind.__name__} |" in text


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in _errors()]
    assert len(codes) == len(set(codes))


def test_every_event_in_the_sources_stands_in_the_reference() -> None:
    text = (DOCS / "reference/events.md").read_text()
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    names = set(re.findall(r'Event\(\s*name="([a-z-]+)"', sources))
    assert names
    missing = sorted(name for name in names if f"`{name}`" not in text)
    assert missing == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_stands_in_the_reference(name: str) -> None:
    assert f"## freehold {name}" in (DOCS / "reference/commands.md").read_text()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 600


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
