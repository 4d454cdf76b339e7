"""Bring up and use the Lovable and Bolt cases, and write down how each fared.

    python scripts/walk_real_apps.py CORPUS WORK [CASE...]

CORPUS holds one checkout a case, as in tests/corpus/apps.json; WORK is filled with copies, packages and builds, and may
be used again: what is built is not built twice, and every walk begins with an empty database. Building needs the
package registry; each walk then runs in a network namespace of its own (root, or user namespaces) with Chromium, four
cases side by side, as a walk waits more than it computes. Results are merged into tests/corpus/served.json, and their
section of docs/reference/real-apps.md is made anew. Nothing of an app is kept but names, addresses and answers.
"""

import json
import shutil
import sys
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
    known: dict[str, dict[str, Any]] = json.loads(page.DATA.read_text()) if page.DATA.exists() else {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        walks = {pool.submit(_case, corpus / name, work / name): name for name in chosen or names}
        for walk in as_completed(walks):
            name = walks[walk]
            known[name] = walk.result()
            print(name, "counts" if page.counts(known[name]) else "does not count", flush=True)
            page.DATA.write_text(json.dumps({key: known[key] for key in names if key in known}, indent=1) + "\n")
    page.PAGE.write_text(page.put(page.PAGE.read_text()))
    return sum(not page.counts(known[name]) for name in chosen or names)


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
    for manager in ("npm", "bun", "yarn"):
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
