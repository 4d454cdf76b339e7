"""The page about real apps says what the data say, and a case counts by what was seen alone."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from cases import page  # noqa: E402 - scripts are no package

GOOD = {
    "served": True,
    "mode": "",
    "sign_up": {"offered": True, "done": True},
    "sign_out": True,
    "sign_in": True,
    "public_pages": [{"path": "/", "blank": False}],
    "pages": [{"path": "/home", "blank": False}],
    "faults": [{"ours": False, "status": 500, "request": "POST /functions/v1/ask"}],
}
FAULT = {"ours": True, "status": 404, "request": "GET /rest/v1/lost"}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"served": False}, False),
        ({"sign_out": False}, False),
        ({"sign_in": False}, False),
        ({"sign_up": {"offered": True, "done": False}}, False),
        ({"sign_up": {"offered": False, "done": False}, "sign_out": None, "sign_in": None}, True),
        ({"pages": [{"path": "/home", "blank": True}]}, False),
        ({"faults": [FAULT]}, False),
    ],
)
def test_a_case_counts_when_everything_was_seen_to_work(change: dict[str, object], counts: bool) -> None:
    assert page.counts(GOOD | change) is counts


def test_the_page_is_made_from_the_data() -> None:
    text = page.PAGE.read_text()
    assert page.BEGIN in text
    assert page.put(text) == text


def test_every_case_that_does_not_count_has_its_cause() -> None:
    data = json.loads(page.DATA.read_text())
    for line in page.section():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and cells[1] in data and cells[2] == "no":
            assert cells[-2], f"{cells[1]} does not count, and nobody says why"
