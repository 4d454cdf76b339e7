"""What whoever packs this program puts in: parts of other packages, by the names under which they travel."""

import importlib
from typing import Any

_parts: dict[str, str] = {}


def use(parts: dict[str, str]) -> None:
    """Put them in: what each is called here, and the module and name that it is."""
    _parts.clear()
    _parts.update(parts)


def part(name: str) -> Any:  # noqa: ANN401 - a function, a type or a module, as its user knows
    """Give one; it is imported now."""
    return find(_parts[name])


def find(path: str) -> Any:  # noqa: ANN401 - likewise
    """Import what a path names: a module, or something in one."""
    module, _, name = path.rpartition(".")
    found = importlib.import_module(module)
    return getattr(found, name) if hasattr(found, name) else importlib.import_module(path)
