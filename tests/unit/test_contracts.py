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
    ("Only tests and third parties import the test kit", "flows/up.py", "import freehold.testing.database"),
    (PROTOCOLS, "runtime/rest/app.py", "import freehold.runtime.auth.app"),
    ("Builders do not know each other", "builders/lovable/read.py", "import freehold.builders.bolt.read"),
    ("click only in cli", "flows/up.py", "import click"),
    ("Programs are run in kit only", "flows/up.py", "import subprocess"),
    ("core is the standard library and nothing else", "core/plan.py", "import psycopg"),
)


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS, ids=[f"{row[1]}-{row[2]}" for row in VIOLATIONS])
def test_a_planted_violation_is_caught(tmp_path: Path, contract: str, file: str, line: str) -> None:
    code, said = _lint(tmp_path, file, line)
    assert code == 1, said
    if file.startswith("annexe"):  # a package without a place
        assert "freehold.annexe" in said
    else:
        assert f"{contract} BROKEN" in said


def test_every_contract_is_broken_by_one_of_them(tmp_path: Path) -> None:
    assert {contract["name"] for contract in CONTRACTS} == {row[0] for row in VIOLATIONS}
    code, said = _lint(tmp_path, "core/plan.py", "import json")
    assert code == 0, said


def _lint(folder: Path, file: str, line: str) -> tuple[int, str]:
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    changed = folder / "src/freehold" / file
    changed.parent.mkdir(exist_ok=True)
    before = changed.read_text() if changed.exists() else ""
    changed.write_text(f"{before}\n{line}\n")
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache", "--no-logo", "--config", folder / "pyproject.toml"],
        cwd=folder / "src", capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())
