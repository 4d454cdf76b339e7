"""Hash rows of the app's database here, so that comparing them does not bring them all back to the owner's machine."""

from freehold.kit import row_digest
from freehold.targets.server.remote import database, places, programs


def digest(app: str, statement: str, options: str) -> list[int]:
    """Give count and sum of what a COPY TO STDOUT gives, with PostgreSQL's settings as the owner's machine has them."""
    argv = [*database.psql(places.app_of(app)), "-f", "-"]
    said = programs.pieces(argv, content=statement.encode() + b";\n", environment={"PGOPTIONS": options})
    return list(row_digest.of_pieces(said))
