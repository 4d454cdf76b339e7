"""Packages from npm beside a test's scripts, installed once however many test processes want them."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from freehold.core.errors import ProgramMissing
from freehold.kit import programs

INSTALL_SECONDS = 300


def node_with_packages(folder: Path, *packages: str) -> programs.Node:
    """Node, with what folder/package-lock.json names beside it; skips the test where there is no Node."""
    try:
        found = programs.node()
    except ProgramMissing as missing:
        pytest.skip(f"no Node here: {missing.message} {missing.detail}")
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((folder / "node_modules" / name / "package.json").exists() for name in packages):
            command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            environment = os.environ | {"PATH": found.search_path()}
            subprocess.run(command, cwd=folder, env=environment, check=True, timeout=INSTALL_SECONDS)
    return found
