"""The wheel alone, in a clean environment without the checkout, brings the sample up."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from owner import Owner, Up, call

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 600


@pytest.fixture(scope="module")
def installed(owner: Owner) -> Iterator[Path]:
    """The `freehold` program of a fresh virtual environment that holds the wheel and what it depends on."""
    sources = owner.home / "sources"
    shutil.copytree(ROOT / "src", sources / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "locks", sources / "locks")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources / name)
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(owner.home / "dist"), "."]
    subprocess.run(build, cwd=sources, check=True, capture_output=True)
    shutil.rmtree(sources)
    environment = owner.home / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    wheel = next((owner.home / "dist").glob("*.whl"))
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(pip, check=True, timeout=INSTALL_SECONDS)
    yield environment / "bin/freehold"
    shutil.rmtree(environment)


def test_the_installed_program_serves_the_sample(owner: Owner, sample: Path, installed: Path) -> None:
    command = [str(installed), "up", str(sample), "--port", "0", "--data", str(owner.home / "wheel"), "--json"]
    up = Up(
        subprocess.Popen(
            command,
            env=owner.environment,
            cwd=owner.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        ready = up.wait_for("ready")
        assert "Tasklight" in call(f"{ready['url']}/", headers={"accept": "text/html"})[1]
        assert call(f"{ready['url']}/functions/v1/ping")[0] == 200
    finally:
        assert up.stop() == 0
