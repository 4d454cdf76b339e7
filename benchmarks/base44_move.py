"""How long Base44's own limit of 100 requests a minute lets a move take, against a stand-in that enforces it.

    python benchmarks/base44_move.py [RECORDS]

The stand-in counts a sliding minute and answers 429 to whatever is over; it cuts lists at 5,000, repeats records,
breaks off, and its records come, go and change as they are read. Ids of both sides are compared at the end.
"""

# ruff: noqa: E402 - the tests' own world

import sys
import time
from collections import deque
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests/component"), str(Path(__file__).parents[1] / "tests/support")]

from test_base44_move import APP, StandIn, made, served

from freehold.core.secret import Secret
from freehold.data.records.api import REQUESTS_A_MINUTE, Api
from freehold.data.records.copy import move_entity
from freehold.kit import postgres
from freehold.testing.database import fresh_database

MINUTE = 60.0


class Limited(StandIn):
    """Refuses what is over the limit of a sliding minute."""

    def __init__(self, count: int) -> None:
        """`over` counts refusals for the limit alone."""
        super().__init__(count)
        self.over = 0
        self._taken: deque[float] = deque()

    def is_over(self) -> bool:
        """Whether one request more is too many."""
        now = time.monotonic()
        while self._taken and now - self._taken[0] >= MINUTE:
            self._taken.popleft()
        if len(self._taken) >= REQUESTS_A_MINUTE:
            self.over += 1
            return True
        self._taken.append(now)
        return False


def main(count: int) -> int:
    """Print seconds, requests and what was lost; 1 when anything was."""
    stand_in = Limited(count)
    stand_in.moves_while_read = 40
    with fresh_database() as database, served(stand_in) as url:
        entity = made(database)
        source = Api(url, APP, Secret("b44k_right"))
        started = time.monotonic()
        with postgres.connect(Secret(database.owner_dsn)) as connection:
            found = move_entity(connection, source, entity, lambda _: None)
        seconds = time.monotonic() - started
    allowed = max(0, (source.requests - 1) // REQUESTS_A_MINUTE) * MINUTE
    print(f"{found.here} records, {len(found.missing)} lost, {len(found.extra)} too many")
    print(f"{source.requests} requests in {seconds:.0f} s; the limit alone takes {allowed:.0f} s")
    print(f"{stand_in.over} refused as over the limit, {stand_in.refused} refused by chance")
    return 0 if found.equal and found.here == len(stand_in.records) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12_345))
