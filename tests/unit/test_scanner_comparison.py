"""The page that compares scanners says what the verdicts add up to, and nothing else."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/check-compared.md").read_text()
DATA: dict[str, Any] = json.loads((ROOT / "benchmarks/data/scanners.json").read_text())
VERDICTS = ("true", "false", "not a security matter")
TOOLS = tuple(tool["id"] for tool in DATA["tools"])


def test_every_number_of_the_table_is_counted_from_the_verdicts() -> None:
    expected = [line for tool in TOOLS for line in _lines_of(tool)]
    assert _rows(7) == expected


def test_the_table_of_holes_is_the_recorded_one() -> None:
    assert _rows(5) == [[hole["app"], hole["hole"], *hole["found"].values()] for hole in DATA["holes"]]


def test_the_sentence_below_the_table_has_its_sums() -> None:
    text = " ".join(PAGE.split())
    sums = {tool: _sums(tool, DATA["apps"]) for tool in TOOLS}
    for tool, name in (
        ("freehold", "findings of `freehold check` are true"),
        ("supabase-advisors", "of Supabase's advisors"),
    ):
        assert f"{sums[tool][2]} of {sums[tool][1]} {name}" in text
    assert f"{sums['ship-safe'][2]} of {sums['ship-safe'][1]} of ship-safe" in text
    assert sums["eslint-plugin-security"][1:3] == [70, 0]


def test_the_sentence_on_other_apps_has_its_sums() -> None:
    text = " ".join(PAGE.split())
    counted = Counter(row["verdict"] for row in DATA["others"])
    assert (counted.total(), "nine findings" in text) == (9, True)
    assert f"{counted['true']} were true, {counted['false']} false and {counted['not a security matter']} not a" in text


def test_the_first_twenty_of_each_tool_and_app_have_a_verdict_and_a_reason() -> None:
    for finding in DATA["findings"]:
        rows = [row for row in DATA["verdicts"] if (row["tool"], row["app"]) == (finding["tool"], finding["app"])]
        assert [row["rank"] for row in rows] == list(range(1, min(DATA["top"], finding["count"]) + 1))
        assert all(row["verdict"] in VERDICTS and row["reason"] and row["rule"] for row in rows)


def _lines_of(tool: str) -> list[list[str]]:
    rows = [[tool, app, *map(str, _sums(tool, [app]))] for app in DATA["apps"]]
    return [*rows, [f"**{tool}**", "all", *map(str, _sums(tool, DATA["apps"]))]]


def _sums(tool: str, apps: list[str]) -> list[int]:
    found = sum(row["count"] for row in DATA["findings"] if row["tool"] == tool and row["app"] in apps)
    counted = Counter(row["verdict"] for row in DATA["verdicts"] if row["tool"] == tool and row["app"] in apps)
    return [found, counted.total(), *(counted[verdict] for verdict in VERDICTS)]


def _rows(columns: int) -> list[list[str]]:
    """The rows of the page's one table with so many columns, without its head."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns][2:]
