"""10,000 interleaved calls of forty people, of nobody and of functions: every answer belongs to who asked."""

# ruff: noqa: E402 - the tests' own world

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests/support"), str(Path(__file__).parents[1] / "tests/component")]

from base44_world import base44_world
from test_base44_identity import SCHEMAS, functions_of, interleaved, some

from freehold.testing.database import fresh_database


async def main(count: int) -> int:
    """Print how many came to the wrong one; 1 when one did."""
    with fresh_database() as database, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with base44_world(database, home, schemas=SCHEMAS, **functions_of(home)) as world:
            callers = some(world, 40)
            started = time.monotonic()
            wrong = await interleaved(world, callers, count, seed=1)
            seconds = time.monotonic() - started
    for line in wrong[:10]:
        print(line)
    print(f"{count} calls of {len(callers)} callers, {len(wrong)} answers to the wrong one, {seconds:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
