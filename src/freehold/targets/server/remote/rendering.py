"""What fills an address and a key into a site; whoever packs this program puts it in."""

from pathlib import Path
from typing import Protocol

_given: list["Render"] = []


class Render(Protocol):
    """See releases/placeholders.render."""

    def __call__(self, source: Path, destination: Path, *, origin: str, publishable_key: str) -> None:
        """Write the site as it is served at `origin`."""


def use(render: Render) -> None:
    """Put it in."""
    _given[:] = [render]


def render(source: Path, destination: Path, *, origin: str, publishable_key: str) -> None:
    """Write the site as it is served at `origin`."""
    _given[0](source, destination, origin=origin, publishable_key=publishable_key)
