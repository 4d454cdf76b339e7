"""Run every benchmark of this folder, or those named: `make bench`, `python -m benchmarks rest`.

Each is a script that prints its own table of figures and ratios. Machines are noisy: quote ratios.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Run them one after the other; give the number of those that failed."""
    wanted = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    failed = 0
    for name in wanted:
        print(f"== {name}", flush=True)
        failed += subprocess.run([sys.executable, str(FOLDER / f"{name}.py")], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
