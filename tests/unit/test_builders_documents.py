"""The reference of the builders says what the readers do: every mark, generation and way out stands in it."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from freehold.builders import registry
from freehold.builders.shared.markers import CommitMark, FileMark, TextMark

TEXT = (Path(__file__).parents[2] / "docs/reference/builders.md").read_text()
BUILDERS = ("lovable", "bolt", "base44", "emergent", "replit", "v0")


def _section(builder: str) -> str:
    title = "v0" if builder == "v0" else builder.capitalize()
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def _module(builder: str, name: str) -> ModuleType:
    return importlib.import_module(f"freehold.builders.{builder}.{name}")


def _rows(builder: str) -> Iterator[str]:
    marks = _module(builder, "marks")
    values = [value for value in vars(marks).values() if not isinstance(value, type)]
    flat = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    for mark in flat:
        if isinstance(mark, FileMark | TextMark):
            yield f"| {mark.weight} | {mark.says} |"
        elif isinstance(mark, CommitMark):
            yield f"| {mark.weight or '3 or 5'} | {mark.says} |"
    if hasattr(marks, "CONTENT"):
        yield f"| {marks.CONTENT_WEIGHT} | code names one of "
    for name in getattr(marks, "TEMPLATE_NAMES", ()):
        yield f"`{name}`"


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_mark_stands_in_its_builders_table_with_its_weight(builder: str) -> None:
    section = _section(builder)
    assert [row for row in _rows(builder) if row not in section] == []


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_string_that_is_looked_for_in_code_stands_in_the_table(builder: str) -> None:
    strings = getattr(_module(builder, "marks"), "CONTENT", ())
    quoted = [f"``{text}``" if "`" in text else f"`{text}`" for text in strings]
    assert [text for text in quoted if text not in _section(builder)] == []


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_generation_stands_in_its_builders_part(builder: str) -> None:
    constants = vars(_module(builder, "generation")).items()
    names = [value for name, value in constants if re.fullmatch(r"[A-Z][A-Z0-9_]+", name) and isinstance(value, str)]
    assert [name for name in names if f"`{name}`" not in _section(builder)] == []


@pytest.mark.parametrize("builder", sorted(set(BUILDERS) - {"lovable", "bolt"}))
def test_every_service_that_breaks_stands_in_its_builders_part(builder: str) -> None:
    answers: dict[str, str] = _module(builder, "read")._ANSWERS
    assert answers
    assert [name for name in answers if name not in _section(builder)] == []


def test_every_builder_of_ours_has_a_part() -> None:
    assert {builder.name for builder in registry.BUILDERS} == set(BUILDERS)
