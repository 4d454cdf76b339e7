"""What the steps of a deploy and of a way back share."""

from dataclasses import dataclass, field

from freehold.core.ports import Target
from freehold.core.release import Lease, Standing
from freehold.flows.up_work import Build

WATCH_SECONDS = 10.0


@dataclass(kw_only=True)
class Move:
    """The traffic goes from `before` to `number`; both are the deploy's and the way back's alike."""

    target: Target
    lease: Lease
    number: int = 0
    """0 until it is known."""
    before: int = 0
    """The release that is live when it begins; 0 for none."""
    watch_seconds: float = WATCH_SECONDS
    is_new: bool = False
    """Whether this command made the release, or found it never live."""

    @property
    def moves(self) -> bool:
        """Whether there is anything to switch."""
        return self.number != self.before


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
