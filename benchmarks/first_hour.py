"""`freehold up` on the sample: first time, warm, and what it holds in memory while idle."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "examples/lovable-tasklight"
WARM_RUNS = 5


def main() -> None:
    """Print seconds to ready (cold once, warm as a median) and resident memory by process."""
    with tempfile.TemporaryDirectory(prefix="freehold-bench-") as folder:
        Path(folder).chmod(0o711)
        cold, _ = _up(Path(folder) / "data")
        warm = sorted(_up(Path(folder) / "data")[0] for _ in range(WARM_RUNS))
        _, memory = _up(Path(folder) / "data", measure=True)
    print(f"first up (build included)   {cold:6.1f} s")
    print(f"warm up, median of {WARM_RUNS}        {warm[len(warm) // 2]:6.2f} s   ({warm[0]:.2f} to {warm[-1]:.2f})")
    for name, kib in memory.items():
        print(f"resident, {name:<18} {kib / 1024:6.1f} MB")


def _up(data: Path, *, measure: bool = False) -> tuple[float, dict[str, int]]:
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "freehold", "up", str(SAMPLE), "--port", "0", "--data", str(data), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = next(event for event in map(json.loads, process.stdout) if event["event"] == "ready")
    seconds = time.monotonic() - started
    memory = _memory(process.pid, Path(ready["data"])) if measure else {}
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    return seconds, memory


def _memory(up_pid: int, data: Path) -> dict[str, int]:
    time.sleep(2)
    running = json.loads((data / "up.json").read_text())
    postmaster = int((data / "postgres/data/postmaster.pid").read_text().split()[0])
    return {
        "freehold up": _proportional(up_pid),
        "runtime": _proportional(running["runtime_pid"]),
        "PostgreSQL, all": sum(_proportional(pid) for pid in [postmaster, *_children(postmaster)]),
    }


def _proportional(pid: int) -> int:
    """Proportional set size in KiB: shared pages are counted once between those that share them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


if __name__ == "__main__":
    main()
