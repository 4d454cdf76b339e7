"""What every test may use: a PostgreSQL for the session, and a database of its own for each test."""

import signal
import warnings
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
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Collect what the test left behind in asyncio, and say it: later it would be collected inside another test.

    It is no failure, because whether a connection that ends is still held at the end of a test is a matter of moments.
    """
    try:
        yield
    finally:
        for told in left_behind.collected():
            warnings.warn(pytest.PytestWarning(f"{item.nodeid} left behind: {told}"), stacklevel=1)


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
