"""What a target may be able to do besides being a Target, see core/target.py."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from freehold.core.plan import Report


@runtime_checkable
class SelfActing(Protocol):
    """A target whose place can carry out a whole flow itself, as one order instead of one an act.

    The flow is the same code as here: lock, refusals, steps and trail are there too.
    """

    def act(self, flow: str, order: Mapping[str, object], report: Report) -> None:
        """Carry out a flow by its name; its events are reported as they come, and its error is raised here.

        LockHeld is raised at once: whoever asks knows best whether the holder is still alive.
        """
