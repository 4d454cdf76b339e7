"""What the steps of a deploy share."""

from dataclasses import dataclass, field

from freehold.core.release import Standing
from freehold.core.target import Target
from freehold.flows.traffic_steps import Move
from freehold.flows.up_work import Build


@dataclass(kw_only=True)
class Deploy(Move):
    """A move to a release that is made of a build."""

    target: Target
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
