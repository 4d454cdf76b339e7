"""What every test may use: a PostgreSQL for the session, and a database of its own for each test."""

from collections.abc import Iterator

import pytest

from freehold.core.errors import ProgramMissing
from freehold.testing import database as databases


@pytest.fixture(scope="session")
def postgres_server() -> databases.Server:
    try:
        return databases.shared_server()
    except ProgramMissing as missing:
        pytest.skip(f"no PostgreSQL here: {missing.message} {missing.detail}")


@pytest.fixture
def database(postgres_server: databases.Server) -> Iterator[databases.FreshDatabase]:
    with databases.fresh_database(postgres_server) as fresh:
        yield fresh
