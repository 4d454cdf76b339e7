"""Keeps the app's own keys out of what its server sends."""

from collections.abc import Sequence


class Leak(Exception):
    """The answer holds a key that must not leave the server."""


class KeyGuard:
    """Looks at one answer's bytes as they pass, across the borders of blocks."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are looked for as they are: a program that hides one on purpose is not stopped."""
        self._keys = [key for key in keys if key]
        self._held = b""

    def passed(self, block: bytes) -> bytes:
        """Give what may be sent now; an end that may be the beginning of a key is held back. Raises Leak."""
        text = self._held + block
        if any(key in text for key in self._keys):
            raise Leak
        keep = max((_begun(text, key) for key in self._keys), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def whole(self, value: bytes) -> None:
        """Look at a header's value. Raises Leak."""
        if any(key in value for key in self._keys):
            raise Leak

    def rest(self) -> bytes:
        """Give what was held back to the end."""
        return self._held


def _begun(text: bytes, key: bytes) -> int:
    """How many of a text's last bytes are the first ones of `key`."""
    tail = text[-(len(key) - 1) :] if len(key) > 1 else b""
    at = tail.find(key[:1])
    while at >= 0:
        if key.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(key[:1], at + 1)
    return 0
