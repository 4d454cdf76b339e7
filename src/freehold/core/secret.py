"""A value that cannot be printed, formatted, logged or pickled by accident."""

from typing import NoReturn


class Secret:
    """Wraps a secret string; only `reveal` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep the value out of every representation."""
        self._value = value

    def reveal(self) -> str:
        """Give the value to whoever must send or store it."""
        return self._value

    def __repr__(self) -> str:
        """Show that there is a secret, not which."""
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        """Refuse to slip into a message unnoticed."""
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """Compare by value, so that settings can be compared."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied to a file."""
        message = "a Secret cannot be pickled"
        raise TypeError(message)
