"""10,000 interleaved calls of two people, an attacker and functions, then 10,000 of forty people and of nobody.

    python benchmarks/base44_identity.py [COUNT]

Wrong answers are counted, not seconds: what came to the wrong one, and what an attack got.
"""

# ruff: noqa: E402 - the tests' own world

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests/support"), str(Path(__file__).parents[1] / "tests/component")]

from base44_world import World, base44_world
from test_base44_identity import SCHEMAS, attacked, functions_of, interleaved, some

from freehold.testing.database import fresh_database


async def main(count: int) -> int:
    """Print how many were wrong; 1 when one was."""
    wrong = await _run("two people, an attacker and functions", count, lambda world: attacked(world, count, seed=2))
    wrong += await _run(
        "forty people and nobody", count, lambda world: interleaved(world, some(world, 40), count, seed=1)
    )
    return 1 if wrong else 0


async def _run(title: str, count: int, calls: Callable[[World], Awaitable[list[str]]]) -> int:
    with fresh_database() as database, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with base44_world(database, home, schemas=SCHEMAS, **functions_of(home)) as world:
            started = time.monotonic()
            wrong = await calls(world)
            seconds = time.monotonic() - started
    for line in wrong[:10]:
        print(line)
    print(f"{count} calls of {title}: {len(wrong)} wrong, {seconds:.0f} s", flush=True)
    return len(wrong)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
