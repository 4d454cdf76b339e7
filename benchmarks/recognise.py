"""How long it takes to say which builder made an app: `FREEHOLD_CORPUS=folder python benchmarks/recognise.py`."""

import os
import sys
import time
from pathlib import Path

from freehold.builders import registry
from freehold.core.app import App


def main() -> None:
    """Print the slowest ten of a folder of checkouts, and the middle one."""
    folder = os.environ.get("FREEHOLD_CORPUS")
    if not folder:
        sys.exit("set FREEHOLD_CORPUS to a folder of checkouts")
    taken = sorted((_seconds(root), root.name) for root in Path(folder).iterdir() if root.is_dir())
    for seconds, name in reversed(taken[-10:]):
        print(f"{seconds:6.2f} s  {name}")
    print(f"{taken[len(taken) // 2][0]:6.2f} s  the middle one of {len(taken)}")


def _seconds(root: Path) -> float:
    start = time.perf_counter()
    registry.recognise(App(root=root, origin=str(root), name=root.name))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
