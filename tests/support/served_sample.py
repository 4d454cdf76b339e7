"""A sample app brought up as its owner would, from a copy in an empty home."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from owner import Owner


@contextlib.contextmanager
def served_sample(sample: Path, named: str = "") -> Iterator[str]:
    """Give its origin; the environment variable `named` may hold one that is served already."""
    given = os.environ.get(named, "")
    if given:
        yield given.rstrip("/")
        return
    home = Path(tempfile.mkdtemp(prefix="freehold-browser-"))
    home.chmod(0o755)
    checkout = home / sample.name.partition("-")[2]
    shutil.copytree(sample, checkout, ignore=shutil.ignore_patterns("node_modules", "dist", "expected.json"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "XDG_"))}
    owner = Owner(home, environment | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"})
    up = owner.start(str(checkout), "--port", "0", "--data", str(home / "served"))
    try:
        yield str(up.wait_for("ready")["url"])
    finally:
        up.stop()
        shutil.rmtree(home, ignore_errors=True)
