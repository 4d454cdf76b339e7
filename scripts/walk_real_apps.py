"""Bring up and use the Lovable and Bolt cases, and write down how each fared.

    python scripts/walk_real_apps.py CORPUS WORK [CASE...]

CORPUS holds one checkout a case, as in tests/corpus/apps.json; WORK is filled with copies, packages and builds, and may
be used again: what is built is not built twice, and every walk begins with an empty database. Building needs the
package registry; each walk then runs in a network namespace of its own (root, or user namespaces) with Chromium, four
cases side by side, as a walk waits more than it computes. Results are merged into tests/corpus/served.json, each as
soon as it is there, so that cases may be walked in several goes, also at once; their section of
docs/reference/real-apps.md is made anew and printed. Nothing of an app is kept but names, addresses and answers.
"""

import fcntl
import json
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from cases import apart, page

ROOT = Path(__file__).parents[1]
APPS = ROOT / "tests/corpus/apps.json"
WALK_SECONDS = 1500
SIDE_BY_SIDE = 4


def main(corpus: Path, work: Path, chosen: list[str]) -> int:
    """Walk every case, or those that are chosen; gives the number of those that do not count."""
    names = [case["folder"] for case in json.loads(APPS.read_text()) if {*case["builders"]} & {"lovable", "bolt"}]
    work.mkdir(parents=True, exist_ok=True)
    failed = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        walks = {pool.submit(_case, corpus / name, work / name): name for name in chosen or names}
        for walk in as_completed(walks):
            name, found = walks[walk], walk.result()
            print(name, "counts" if page.counts(found) else "does not count", file=sys.stderr, flush=True)
            failed += not page.counts(found)
            _keep(name, found, names, work)
    print("\n".join(page.section()[2:-1]))
    return failed


def _keep(name: str, found: dict[str, Any], names: Sequence[str], work: Path) -> None:
    """Put one result among those of other walks, which may be ending now as well, and make the page of all."""
    with (work / "results.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, dict[str, Any]] = json.loads(page.DATA.read_text()) if page.DATA.exists() else {}
        known[name] = found
        page.DATA.write_text(json.dumps({key: known[key] for key in names if key in known}, indent=1) + "\n")
        page.PAGE.write_text(page.put(page.PAGE.read_text()))


def _case(source: Path, folder: Path) -> dict[str, Any]:
    _share_packages(folder.parent / "packages", folder / "data/work/build")
    error = apart.build(source, folder)
    if error:
        return {"served": False, "error": error}
    _forget(folder / "data")
    return apart.walk("one.py", folder, WALK_SECONDS)


def _share_packages(packages: Path, build: Path) -> None:
    """What package managers have fetched for one case serves the others."""
    build.mkdir(parents=True, exist_ok=True)
    for manager in ("npm", "bun", "yarn", "pip"):
        (packages / manager).mkdir(parents=True, exist_ok=True)
        if not (build / manager).exists():
            (build / manager).symlink_to(packages / manager)


def _forget(data: Path) -> None:
    """Keep what was built, and nothing of an earlier walk."""
    for item in data.iterdir():
        if item.name in {"artifacts", "work"}:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
