"""Hash rows of the app's database here, so that comparing them does not bring them all back to the owner's machine."""

import itertools
from collections.abc import Iterator

from freehold.kit import row_digest
from freehold.targets.server.remote import database, places, programs

AT_ONCE = 1000


def digest(app: str, statement: str, options: str) -> list[int]:
    """Give count and sum of what a COPY TO STDOUT gives, with PostgreSQL's settings as the owner's machine has them."""
    argv = [*database.psql(places.app_of(app)), "-f", "-"]
    lines = programs.lines(argv, content=statement.encode() + b";\n", environment={"PGOPTIONS": options})
    return list(row_digest.of_lines(_several(lines)))


def _several(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(itertools.islice(lines, AT_ONCE)):
        yield some
