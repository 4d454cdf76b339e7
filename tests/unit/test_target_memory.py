"""The double that tests deploy to keeps the contract of every target."""

from pathlib import Path
from typing import Any

import pytest

from freehold.core.release import Check, Release
from freehold.targets.memory import MemoryTarget
from freehold.testing.targets import TargetContract


class TestMemory(TargetContract):
    @pytest.fixture
    def target(self, tmp_path: Path) -> MemoryTarget:
        (tmp_path / "target").mkdir()
        return MemoryTarget(folder=tmp_path / "target")

    def make_sick(self, target: Any, release: Release) -> Release:
        target.sick[release.number] = Check(name="process", ok=False, detail="it was told to crash")
        return release
