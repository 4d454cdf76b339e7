"""Whole commands, run as an owner runs them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from owner import Owner, Up

SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"


@pytest.fixture(scope="session")
def owner() -> Iterator[Owner]:
    """An owner whose home is empty; the cache of programs is the machine's, as it would be the second time."""
    home = Path(tempfile.mkdtemp(prefix="freehold-owner-"))
    home.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "XDG_"))}
    environment |= {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
    yield Owner(home, environment)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def sample(owner: Owner) -> Path:
    """The owner's checkout of the sample, in git."""
    checkout = owner.home / "tasklight"
    ignore = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(SAMPLE, checkout, ignore=ignore)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=o", "-c", "user.email=o@x", "commit", "-qm", "app"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    return checkout


@pytest.fixture(scope="session")
def served(owner: Owner, sample: Path) -> Iterator[tuple[Up, dict[str, object]]]:
    """The sample, brought up once for all tests that leave it running."""
    up = owner.start(str(sample), "--port", "0", "--data", str(owner.home / "served"))
    try:
        yield up, up.wait_for("ready")
    finally:
        up.stop()
