"""Copy a case, build it with the package registry at hand, then walk through it where nothing but loopback is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

STEPS = Path(__file__).parent
BUILD_SECONDS = 1800


def build(source: Path, folder: Path) -> str:
    """Build a copy of a checkout, in `folder`/app and `folder`/data; gives the error, "" when there is none."""
    (folder / "home").mkdir(parents=True, exist_ok=True)
    if not (folder / "app").exists():
        shutil.copytree(source, folder / "app", symlinks=True)
    words = [sys.executable, str(STEPS / "building.py"), str(folder / "app"), str(folder / "data")]
    environment = os.environ | {"HOME": str(folder / "home"), "NO_COLOR": "1"}
    built = subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=BUILD_SECONDS
    )
    if not built.returncode:
        return ""
    said = json.loads(built.stdout.splitlines()[-1])
    return str(said["error"]).replace(str(folder / "app"), folder.name)


def walk(script: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Run `script` for a case that is built, in a network namespace of its own; gives what it wrote down."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    begin = 'ip link set lo up && exec "$@"'
    apart = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", begin, "sh"]
    words = [*apart, sys.executable, str(STEPS / script), str(folder), str(result)]
    subprocess.run(words, check=False, timeout=seconds)
    if not result.exists():
        return {"served": False, "error": "the walk broke off"}
    found: dict[str, Any] = json.loads(result.read_text())
    return found
