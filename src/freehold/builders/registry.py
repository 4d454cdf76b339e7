"""The builders Freehold knows, in a fixed order, and those that other packages bring."""

from importlib.metadata import entry_points

from freehold.builders.base44 import Base44
from freehold.builders.bolt import Bolt
from freehold.builders.emergent import Emergent
from freehold.builders.lovable import Lovable
from freehold.builders.replit import Replit
from freehold.builders.shared.checkout import read_once
from freehold.builders.v0 import V0
from freehold.core.app import App, Match
from freehold.core.errors import NotAnApp
from freehold.core.ports import Builder

GROUP = "freehold.builders"
BUILDERS: tuple[Builder, ...] = (Lovable(), Bolt(), Base44(), Emergent(), Replit(), V0())


def builders() -> tuple[Builder, ...]:
    """Give our own builders first, then those from entry points of the group `freehold.builders`, by name."""
    others = [entry.load()() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]
    own = {builder.name for builder in BUILDERS}
    return (*BUILDERS, *(builder for builder in others if builder.name not in own))


def recognise(app: App) -> tuple[Match, ...]:
    """Ask every builder; the surest comes first. An app of mixed origin has several matches."""
    with read_once():
        found = [builder.recognise(app) for builder in builders()]
    return tuple(sorted((match for match in found if match is not None), key=lambda match: -match.score))


def names() -> tuple[str, ...]:
    """Name the builders, in the order in which they are asked."""
    return tuple(item.name for item in builders())


def builder(name: str) -> Builder:
    """Give the builder of a name. Raises NotAnApp when Freehold does not know it."""
    for candidate in builders():
        if candidate.name == name:
            return candidate
    raise NotAnApp(f"Freehold does not know a builder named {name}", detail=f"it knows: {', '.join(names())}")
