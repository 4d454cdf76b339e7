"""100,000 random filters of the entities' filter language, or as many as are named: the same records as mongomock.

    python benchmarks/base44_filters.py [COUNT [FIRST]]

Each filter has a number, so that a long run can be cut into pieces. FIRST is a multiple of 5,000.
Every second batch asks the entity whose fields have rules of their own, as they are compared in another way.
"""

# ruff: noqa: E402 - the tests' own records and filters

import asyncio
import random
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests/support"), str(Path(__file__).parents[1] / "tests/component")]

from random_filters import Oracle, query, records
from test_base44_filters import A_BATCH, GUARDED, RECORDS, THING, fill, found

from freehold.core.secret import Secret
from freehold.runtime.database import Pool
from freehold.testing.database import fresh_database

A_ROUND = 5000
"""Filters a set of records; each round has new records."""


def main(count: int, first: int = 0) -> int:
    """Print how many filters were asked and how many differed; 1 when one did."""
    started, wrong, matched = time.monotonic(), 0, 0
    for number in range(first, first + count, A_ROUND):
        different, ids = asyncio.run(_round(number, min(A_ROUND, first + count - number)))
        wrong += different
        matched += ids
        print(f"{number + A_ROUND - first} filters, {wrong} differ, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{count} filters, {matched} records found, {wrong} differences, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


async def _round(seed: int, count: int) -> tuple[int, int]:
    chance = random.Random(seed)
    given = records(chance, RECORDS)
    oracle = Oracle(given)
    wrong = matched = 0
    with fresh_database() as database:
        fill(database, given)
        pool = Pool(Secret(database.superuser_dsn), 1)
        for number in range(count // A_BATCH):
            wanted = [query(chance) for _ in range(A_BATCH)]
            for item, ids in zip(wanted, await found(pool, wanted, (THING, GUARDED)[number % 2]), strict=True):
                matched += len(ids)
                if ids != oracle.ids(item):
                    wrong += 1
                    print(f"differs: {item}")
        await pool.close()
    return wrong, matched


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) if sys.argv[1:] else main(100_000))
