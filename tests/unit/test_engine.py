"""The engine applies a plan, resumes it, and undoes what it did."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.engine.apply import apply
from freehold.engine.journal import Journal


class Killed(BaseException):
    """Stands for a signal that ends the tool between two lines."""


@dataclass
class Mark:
    """A step that writes a file; `fails` makes it end after the file was written."""

    folder: Path
    name: str
    fails: type[BaseException] | None = None
    undone: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"Write {self.name}"

    def done(self) -> bool:
        return (self.folder / self.name).exists() and self.fails is None

    def run(self, _report: Report) -> None:
        (self.folder / self.name).write_text("done")
        if self.fails is not None:
            raise self.fails

    def undo(self) -> bool:
        (self.folder / self.name).unlink()
        self.undone.append(self.name)
        return True


def _apply(folder: Path, *steps: Mark) -> list[Event]:
    events: list[Event] = []
    apply(Plan(purpose="test", steps=steps), events.append, Journal(folder / "journal.jsonl"))
    return events


def test_steps_run_in_order_and_the_journal_tells_it(tmp_path: Path) -> None:
    _apply(tmp_path, Mark(tmp_path, "a"), Mark(tmp_path, "b"))
    acts = [json.loads(line)["act"] for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert acts == ["plan", "started", "finished", "started", "finished", "applied"]


def test_a_step_that_is_done_is_skipped(tmp_path: Path) -> None:
    _apply(tmp_path, Mark(tmp_path, "a"))
    events = _apply(tmp_path, Mark(tmp_path, "a"), Mark(tmp_path, "b"))
    assert [event.name for event in events if event.name.startswith("step-s")] == ["step-skipped", "step-started"]


@pytest.mark.parametrize("failure", [RuntimeError, Killed, KeyboardInterrupt])
def test_a_failure_undoes_what_this_run_did_newest_first(tmp_path: Path, failure: type[BaseException]) -> None:
    undone: list[str] = []
    before = Mark(tmp_path, "before", undone=undone)
    _apply(tmp_path, before)
    steps = (before, Mark(tmp_path, "a", undone=undone), Mark(tmp_path, "b", failure, undone))
    with pytest.raises(failure):
        _apply(tmp_path, *steps)
    assert undone == ["b", "a"]
    assert (tmp_path / "before").exists()


def test_running_again_after_a_failure_carries_on(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        _apply(tmp_path, Mark(tmp_path, "a"), Mark(tmp_path, "b", RuntimeError))
    _apply(tmp_path, Mark(tmp_path, "a"), Mark(tmp_path, "b"))
    assert (tmp_path / "a").exists()
    assert (tmp_path / "b").exists()
