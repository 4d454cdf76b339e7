"""What every test may use: a PostgreSQL for the session, and a database of its own for each test."""

import signal
from collections.abc import Generator, Iterator

import pytest
from left_behind import LeftBehind

from freehold.core.errors import ProgramMissing
from freehold.testing import database as databases

left_behind = LeftBehind()


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start: in the background it may be ignored, for children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Fail the test that leaves something behind in asyncio, where it would fail another."""
    try:
        yield
    finally:
        told = left_behind.collected()
    if told:
        pytest.fail("left behind in asyncio:\n\n" + "\n".join(told), pytrace=False)


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
