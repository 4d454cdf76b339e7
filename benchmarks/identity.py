"""10,000 calls of 50 users and of nobody, interleaved, by REST, storage, a function and pages: who got another's.

    python benchmarks/identity.py [--calls 10000] [--users 50]

Prints the calls of each kind, how many were wrong, and calls a second. Exits with 1 when one was wrong.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from freehold.testing import crowd
from freehold.testing.database import fresh_database


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=50)
    given = parser.parse_args()
    with fresh_database() as database, tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        began = time.monotonic()
        outcome = asyncio.run(crowd.run(database, Path(folder), calls=given.calls, users=given.users))
        seconds = time.monotonic() - began
    for kind, count in sorted(outcome.calls.items()):
        print(f"{kind:20} {count:6}")
    total = outcome.calls.total()
    print(f"{'all':20} {total:6}  wrong {len(outcome.wrong)}  {total / seconds:.0f} a second")
    for line in outcome.wrong[:20]:
        print(line)
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
