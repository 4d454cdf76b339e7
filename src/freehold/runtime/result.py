"""What PostgreSQL answers: a statement's rows, its refusal, or its silence."""

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

Row = tuple[bytes | None, ...]


class DatabaseError(Exception):
    """PostgreSQL refused a statement: its own SQLSTATE, message, detail and hint."""

    def __init__(self, sqlstate: str, message: str, detail: str | None, hint: str | None) -> None:
        """Keep PostgreSQL's four texts."""
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


class ConnectionLost(Exception):
    """PostgreSQL cannot be reached, or went away during a request."""

    reason = ""
    """libpq's own words, which may name the host and the user: for the server's owner, never for a client."""


class Result:
    """One statement's answer in text format. It is read when it is looked at: most of a request's answers never are."""

    __slots__ = ("_raw", "_rows")

    def __init__(self, raw: PGresult) -> None:
        """Keep libpq's result."""
        self._raw = raw
        self._rows: list[Row] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple((self._raw.fname(index) or b"").decode() for index in range(self._raw.nfields))

    @property
    def rows(self) -> list[Row]:
        """The rows; every value is text or None."""
        if self._rows is None:
            raw, columns = self._raw, range(self._raw.nfields)
            self._rows = [tuple([raw.get_value(row, column) for column in columns]) for row in range(raw.ntuples)]
        return self._rows

    @property
    def count(self) -> int:
        """The number in the command tag, 0 if it has none."""
        return self._raw.command_tuples or 0

    def one(self) -> Row:
        """Give the only row; an empty result is a mistake in the statement that was sent."""
        return self.rows[0]


def of_failure(raw: PGresult) -> DatabaseError:
    """Read the refusal in a failed statement's answer."""

    def part(field: DiagnosticField) -> str | None:
        value = raw.error_field(field)
        return value.decode("utf-8", "replace") if value is not None else None

    sqlstate = part(DiagnosticField.SQLSTATE) or "XX000"
    message = part(DiagnosticField.MESSAGE_PRIMARY) or "unknown error"
    return DatabaseError(sqlstate, message, part(DiagnosticField.MESSAGE_DETAIL), part(DiagnosticField.MESSAGE_HINT))
