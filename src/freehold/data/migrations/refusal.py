"""Say to a person which statement PostgreSQL refused, why, and what to do."""

import re
from collections.abc import Sequence

import psycopg

from freehold.core.errors import MigrationFailed
from freehold.core.inventory import MigrationFile
from freehold.data.migrations.decisions import ABSENT, Database
from freehold.data.migrations.statements import Statement

EXCERPT_LINES = 5
EXCERPT_COLUMNS = 160
_SECRET_LIKE = re.compile(r"'[^'\s]{20,}'|\$(\w*)\$[^$\s]{20,}\$\1\$")
"""Keys and tokens stand in SQL as long literals without a blank; the file has them, a message need not."""


def explain(
    file: MigrationFile, statement: Statement, error: psycopg.Error, database: Database, holders: Sequence[str] = ()
) -> MigrationFailed:
    """Make the error of a refused statement; `holders` says who has held a lock for long."""
    diagnostics = error.diag
    said = [f"PostgreSQL: {diagnostics.message_primary or str(error).strip()} (SQLSTATE {error.sqlstate})"]
    said += [f"{name}: {text}" for name, text in _further(diagnostics) if text]
    said += holders
    return MigrationFailed(
        f"{file.path} was refused at line {_line(statement, error)}",
        detail="\n".join([*said, "", _excerpt(statement.text)]),
        hint=_hint(error, database),
    )


def _further(diagnostics: psycopg.errors.Diagnostic) -> tuple[tuple[str, str | None], ...]:
    return (
        ("Detail", diagnostics.message_detail),
        ("Hint", diagnostics.message_hint),
        ("Where", (diagnostics.context or "").partition("\n")[0]),
    )


def _line(statement: Statement, error: psycopg.Error) -> int:
    """PostgreSQL counts characters from the start of the statement, and only where the text was sent as it is."""
    position = error.diag.statement_position
    if position is None:
        return statement.line
    return statement.line + statement.text.count("\n", 0, int(position) - 1)


def _excerpt(text: str) -> str:
    lines = _SECRET_LIKE.sub("'…'", text).splitlines()
    shown = [line[:EXCERPT_COLUMNS] for line in lines[:EXCERPT_LINES]]
    return "\n".join([*shown, "…"] if len(lines) > EXCERPT_LINES else shown)


def _hint(error: psycopg.Error, database: Database) -> str:
    again = "correct the file, then run the same command again: files that ran are not run twice"
    message = error.diag.message_primary or ""
    missing = next((name for name in sorted(ABSENT) if _speaks_of(name, message)), None)
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "something holds the table: end long transactions, then run the same command again"
    if missing is not None and missing not in database.installed:
        return f"this PostgreSQL has no extension {missing}: use one that has it, or the embedded one"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"migrations run as {database.owner}, which owns the app's schemas and nothing of the platform; {again}"
    return again


def _speaks_of(extension: str, message: str) -> bool:
    words = {
        "vector": r"\b(vector|halfvec|hnsw|ivfflat|vector_\w+_ops)\b",
        "postgis": r"\b(geometry|geography|st_\w+)\b",
    }
    return re.search(words.get(extension, rf"\b{extension}\b"), message) is not None
