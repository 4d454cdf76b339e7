"""The time that is left is told by how much of the source is done, however it is packed."""

import pytest

from freehold.core.event import Event
from freehold.data.move.progress import Progress


def test_packed_tables_count_by_what_they_take_packed() -> None:
    """Two packed tables of 100 bytes each; unpacked they are ten times as much, which only the first one shows."""
    progress = Progress(report=lambda _event: None, tables=2, size=200)
    with progress.table("a", 100):
        progress.add(1000)
        assert progress.share == 0.5
    assert progress.share == 0.5
    with progress.table("b", 100):
        progress.add(500)
        assert progress.share == pytest.approx(0.75)
        progress.add(500)
    assert (progress.share, progress.done, progress.bytes) == (1.0, 2, 2000)


def test_nothing_is_promised_before_anything_is_known() -> None:
    told: list[Event] = []
    progress = Progress(report=told.append, tables=1, size=0)
    with progress.table("a", 0):
        progress.add(10)
    assert told[0].values["seconds_left"] is None
    assert "left" not in told[0].text
