"""The app's schema as one canonical text, and its SHA-256: equal for equal schemas, whatever order made them."""

import hashlib
from dataclasses import dataclass
from importlib import resources

from freehold.data.migrations.decisions import PLATFORM_SCHEMAS
from freehold.kit import postgres

NOT_THE_APPS = sorted({*PLATFORM_SCHEMAS, "information_schema"})
"""And every schema whose name begins with freehold or pg_: those are named in the queries."""


@dataclass(frozen=True)
class Fingerprint:
    """`text` has one line an object, sorted; `sha256` is of its UTF-8 bytes, in hex."""

    sha256: str
    text: str


def take(admin: postgres.Connection) -> Fingerprint:
    """Read the catalogue: tables, columns, constraints, indexes, views, functions, triggers, policies, rights, types.

    The owner role is written as `owner`, because its name is not the app's choice. What extensions and the platform
    own is left out, the app's policies and triggers on the platform's tables are in.
    """
    query = resources.files("freehold.data.schema").joinpath("catalogue.sql").read_text(encoding="utf-8")
    with admin.transaction():
        admin.execute("set local search_path = pg_catalog, pg_temp")
        rows = admin.execute(query, {"platform": NOT_THE_APPS}).fetchall()
    text = "\n".join(sorted({_line(str(row[0])) for row in rows}))
    return Fingerprint(hashlib.sha256(text.encode()).hexdigest(), text)


def _line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
