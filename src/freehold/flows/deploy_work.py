"""What the steps of a deploy share."""

from dataclasses import dataclass, field

from freehold.core.release import Standing
from freehold.flows.traffic_steps import WATCH_SECONDS, Move
from freehold.flows.up_work import Build

__all__ = ["WATCH_SECONDS", "Deploy"]


@dataclass(kw_only=True)
class Deploy(Move):
    """A move to a release that is made of a build."""

    build: Build
    who: str
    message: str = ""
    accept: frozenset[str] = frozenset()
    keep: int = 5
    respects_way_back: bool = False
    """Whether a release that was gone back from stays so: for `up`, which is asked to serve and not to deploy."""
    schema_revision: str = ""
    schema_position: int = 0
    restore_point: str = ""
    standings: tuple[Standing, ...] = field(default=())
