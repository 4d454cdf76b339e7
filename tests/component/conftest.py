"""A project to move away from, and an empty place to move it to; a module may have others under these names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from move_world import Target, project

from freehold.testing import database as databases


@pytest.fixture(scope="module")
def source(postgres_server: databases.Server) -> Iterator[databases.FreshDatabase]:
    with project(postgres_server) as found:
        yield found


@pytest.fixture
def target(database: databases.FreshDatabase, tmp_path: Path) -> Target:
    return Target(database, tmp_path / "objects")
