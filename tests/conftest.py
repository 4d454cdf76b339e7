"""What every test may use: a PostgreSQL for the session, and a database of its own for each test."""

import signal
from collections.abc import Iterator

import pytest

from freehold.core.errors import ProgramMissing
from freehold.testing import database as databases


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start: in the background it may be ignored, for children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
