"""The page that compares converters names a test for each row, and each of them is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/base44-compared.md"
TEXT = PAGE.read_text()
ROWS = [line for line in TEXT.partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")))


@pytest.mark.parametrize("row", ROWS, ids=[row[2:50] for row in ROWS])
def test_a_row_names_tests_that_are_there(row: str) -> None:
    _, shown = row.rstrip("| ").rsplit(" | ", 1)
    if shown == "the same":
        return
    named = re.findall(r"`([^`]+)`", shown)
    assert named
    for name in named:
        if name.startswith("test_") and "/" not in name:
            assert f"def {name}(" in TESTS, name
        elif "/" in name:
            assert (ROOT / name).exists(), name
        else:
            text = (ROOT / "tests/protocol/node" / "base44_app.mjs").read_text()
            assert name == "base44_app.mjs" or f"'{name}'" in text, name


@pytest.mark.parametrize("name", ["server", "functions"])
def test_every_reason_for_another_answer_than_the_builders_is_on_the_page(name: str) -> None:
    tree = ast.parse((ROOT / f"tests/protocol/test_base44_local_{name}.py").read_text())
    explained = next(
        node.value for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "EXPLAINED"
    )
    assert isinstance(explained, ast.Dict)
    reasons = [ast.literal_eval(key) for key in explained.keys if key is not None]
    assert reasons
    assert [reason for reason in reasons if f"| {reason}" not in TEXT] == []
