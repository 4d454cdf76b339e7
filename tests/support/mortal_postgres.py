"""A PostgreSQL of a test's own, which may be killed."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freehold.testing import database as databases
from freehold.testing.database import FreshDatabase


@dataclass
class Mortal:
    """A PostgreSQL that may be killed, and a database on it."""

    server: databases.Server
    database: FreshDatabase


@contextlib.contextmanager
def mortal_postgres(fill: Callable[[FreshDatabase], None]) -> Iterator[Mortal]:
    """Give one with a filled database; it is started again afterwards, so that it can end well."""
    with databases.running_server() as server, databases.fresh_database(server) as database:
        fill(database)
        yield Mortal(server, database)
        server.cluster.start()
