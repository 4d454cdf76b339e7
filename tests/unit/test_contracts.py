"""The house's rules on imports, each broken once in a copy of the sources."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
DOWNWARDS = "Downwards only, and every package has a place"
PROTOCOLS = "Inside the runtime the protocols do not know each other"
# contract -> file of the package, and what is added to it
VIOLATIONS = (
    (DOWNWARDS, "core/secret.py", "import freehold.kit.files"),
    (DOWNWARDS, "platform/install.py", "import freehold.engine.apply"),
    (DOWNWARDS, "releases/site.py", "import freehold.data.migrations"),
    (DOWNWARDS, "targets/local/place.py", "import freehold.flows.up"),
    (DOWNWARDS, "flows/up.py", "import freehold.cli.main"),
    (DOWNWARDS, "annexe/__init__.py", ""),
    ("The runtime uses platform, kit and core only", "runtime/app.py", "import freehold.engine.apply"),
    ("The runtime uses platform, kit and core only", "runtime/app.py", "import freehold.trail"),
    ("Only tests and third parties import the test kit", "audit/registry.py", "import freehold.testing.database"),
    ("Only tests and third parties import the test kit", "flows/up.py", "import freehold.testing.database"),
    (PROTOCOLS, "runtime/rest/app.py", "import freehold.runtime.auth.app"),
    ("Builders do not know each other", "builders/lovable/read.py", "import freehold.builders.bolt.read"),
    ("click only in cli", "flows/up.py", "import click"),
    ("Programs are run in kit only", "flows/up.py", "import subprocess"),
    ("core is the standard library and nothing else", "core/plan.py", "import psycopg"),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, to be broken and mended."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS, ids=[f"{row[1]}-{row[2]}" for row in VIOLATIONS])
def test_a_planted_violation_is_caught(house: Path, contract: str, file: str, line: str) -> None:
    code, said = _lint(house, file, line)
    assert code == 1, said
    if file.startswith("annexe"):  # a package without a place
        assert "freehold.annexe" in said
    else:
        assert f"{contract} BROKEN" in said


def test_every_contract_is_broken_by_one_of_them(house: Path) -> None:
    assert {contract["name"] for contract in CONTRACTS} == {row[0] for row in VIOLATIONS}
    code, said = _lint(house, "core/plan.py", "import json")
    assert code == 0, said


def _lint(house: Path, file: str, line: str) -> tuple[int, str]:
    changed = house / "src/freehold" / file
    before = changed.read_text() if changed.exists() else None
    changed.parent.mkdir(exist_ok=True)
    changed.write_text(f"{before or ''}\n{line}\n")
    program = Path(sys.executable).parent / "lint-imports"
    command = [program, "--no-cache", "--no-logo", "--config", house / "pyproject.toml"]
    done = subprocess.run(command, cwd=house / "src", capture_output=True, text=True, check=False, timeout=300)
    if before is None:
        shutil.rmtree(changed.parent)
    else:
        changed.write_text(before)
    return done.returncode, " ".join((done.stdout + done.stderr).split())
