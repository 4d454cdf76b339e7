"""A table of supabase/config.toml that knows its own path, so that a wrong value can be named."""

import re
from collections.abc import Mapping
from datetime import timedelta

from freehold.core.errors import BadUsage

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Table:
    """Reads values by type; a value of another type raises BadUsage with its path."""

    def __init__(self, values: object, path: str) -> None:
        """`path` is as the owner finds it in the file, such as auth.email."""
        if not isinstance(values, Mapping):
            raise BadUsage(f"{path} is not a table")
        self._values = values
        self._path = path

    def names(self) -> tuple[str, ...]:
        """Every key."""
        return tuple(self._values)

    def table(self, name: str) -> "Table":
        """A table below this one; an absent one is empty."""
        return Table(self._values.get(name, {}), f"{self._path}.{name}")

    def flag(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def number(self, name: str, default: int) -> int:
        """Read a whole number that is not negative."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, "a whole number")
        return value

    def has(self, name: str) -> bool:
        """Whether the key is there."""
        return name in self._values

    def text(self, name: str, default: str) -> str:
        """Read a text that is no unresolved env(...)."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or value.startswith("env("):
            raise self._wrong(name, "a text whose env(...) is resolved")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        value = self._values.get(name, [])
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of texts")
        return tuple(value)

    def duration(self, name: str, default: float) -> float:
        """Read a duration, in seconds."""
        value = self._values.get(name)
        if value is None:
            return default
        seconds = parse_duration(value) if isinstance(value, str) else None
        if seconds is None:
            raise self._wrong(name, "a duration such as 1m30s")
        return seconds.total_seconds()

    def _wrong(self, name: str, wanted: str) -> BadUsage:
        return BadUsage(f"{self._path}.{name} in supabase/config.toml must be {wanted}")


def parse_duration(text: str) -> timedelta | None:
    """Read a duration in Go's form such as 24h or 1h30m; None when it is not one, or is longer than 290 years."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return timedelta(seconds=seconds) if seconds < 290 * 365 * 86400 else None  # Go's own limit
