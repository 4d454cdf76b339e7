"""An app as its owner has it, and what recognised it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class App:
    """A checkout of an app: a read-only input. `root` is a folder on this machine."""

    root: Path
    origin: str
    """What the owner typed: a path, a git address or a zip."""
    name: str
    """A short name made of lower-case letters, digits and dashes."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One mark that a builder left."""

    text: str
    weight: int
    path: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Match:
    """How sure a builder is that an app is its own: 5 or more is sure, 2 to 4 is worth a question."""

    builder: str
    score: int
    evidence: tuple[Evidence, ...] = ()
    generation: str = ""
