"""Parameters of one statement, numbered as they are added."""

from freehold.runtime.base44.http import encoded
from freehold.runtime.database import Parameter


class Params:
    """Collects values and gives their places."""

    def __init__(self) -> None:
        """Begin at $1."""
        self.values: list[Parameter] = []

    def text(self, value: str) -> str:
        """Add a text."""
        return self._add(value.encode("utf-8", "surrogatepass"), "text")

    def number(self, value: float) -> str:
        """Add a number, exactly as it was written."""
        return self._add(repr(value).encode(), "numeric")

    def boolean(self, *, value: bool) -> str:
        """Add true or false."""
        return self._add(b"true" if value else b"false", "boolean")

    def json(self, value: object) -> str:
        """Add a JSON value."""
        return self._add(encoded(value), "jsonb")

    def _add(self, value: bytes, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"
