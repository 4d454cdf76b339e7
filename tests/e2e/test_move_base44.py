"""`freehold move base44` as an owner types it: exports in, ids compared, and a second run that changes nothing."""

import json
from pathlib import Path

import pytest
from owner import Owner

pytestmark = pytest.mark.e2e

SAMPLE = Path(__file__).parents[2] / "examples/base44-potluck"
MOMENT = "2026-01-01T00:00:00.000000"


def test_exports_are_brought_and_counted(owner: Owner, tmp_path: Path) -> None:
    dish = {
        "id": "d1",
        "title": "Soup",
        "created_date": MOMENT,
        "updated_date": MOMENT,
        "created_by": "ann@example.com",
    }
    (tmp_path / "Dish.json").write_text(json.dumps([dish, dish | {"id": "d2", "title": None}]))
    (tmp_path / "User.json").write_text(json.dumps([{"id": "u1", "email": "ann@example.com", "role": "admin"}]))
    words = (
        "move",
        "base44",
        "--app",
        str(SAMPLE),
        "--exports",
        str(tmp_path),
        "--data",
        str(owner.home / "moved-base44"),
    )
    for _ in range(2):
        done = owner.run(*words, timeout=300)
        assert done.returncode == 0, done.stderr
        assert "Dish  2 of 2 records" in done.stdout
        assert "1 users came along" in done.stderr
    status = owner.run("move", "status", "--data", str(owner.home / "moved-base44"))
    assert (status.returncode, status.stdout) == (0, "Dish  2 of 2 records\nWish  0 of 0 records\n")
    refused = owner.run("move", "base44", "--app", str(SAMPLE), "--data", str(owner.home / "other"), timeout=120)
    assert refused.returncode != 0
    assert "FREEHOLD_BASE44_KEY" in refused.stderr
