"""A plan is data: printing it is the dry run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from freehold.core.event import Event

Report = Callable[[Event], None]


class Step(Protocol):
    """One change in the owner's world.

    `title` is a sentence an owner understands. `done` looks and changes nothing. `run` may be killed at any line
    and run again. `undo` takes back what `run` did in this run and says whether there was anything; a step that
    cannot be undone says so in its title and goes last.
    """

    @property
    def title(self) -> str:
        """A sentence about the owner's world."""

    def done(self) -> bool:
        """Say whether there is nothing left to do."""

    def run(self, report: Report) -> None:
        """Do it; raises FreeholdError when it cannot be done."""

    def undo(self) -> bool:
        """Take it back; False when there is nothing that had to be."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps in order, and what they are for."""

    purpose: str
    steps: tuple[Step, ...]
