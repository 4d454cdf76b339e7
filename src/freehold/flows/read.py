"""Which builder made an app, and what it is made of."""

from freehold.builders import registry
from freehold.core.app import App, Match
from freehold.core.errors import NotAnApp, NotServedYet
from freehold.core.inventory import Inventory

SURE = 5


def read_app(app: App) -> Inventory:
    """Read an app with the builder that recognises it best; raises NotAnApp when none is sure."""
    matches = registry.recognise(app)
    if not matches or matches[0].score < SURE:
        raise _not_recognised(app, matches)
    return registry.builder(matches[0].builder).read(app)


def read_served_app(app: App) -> Inventory:
    """Read an app that is to be served; raises NotServedYet when Freehold can read it and not serve it."""
    inventory = read_app(app)
    if not inventory.served:
        name = inventory.builder.capitalize() if inventory.builder != "v0" else "v0"
        raise NotServedYet(
            f"{app.origin} is recognised as {name}; `freehold up` does not serve it yet: {inventory.not_served}",
            detail=f"generation {inventory.generation}" if inventory.generation else "",
            hint=f"freehold check {app.origin}",
        )
    return inventory


def _not_recognised(app: App, matches: tuple[Match, ...]) -> NotAnApp:
    lines = [f"{match.builder}: {match.score} of {SURE} points ({_marks(match)})" for match in matches]
    return NotAnApp(
        f"{app.origin} was made by no builder that Freehold knows",
        detail="\n".join(lines) or f"no mark of {', '.join(registry.names())} was found",
        hint="give the folder that holds package.json, with its git history if there is one",
    )


def _marks(match: Match) -> str:
    return "; ".join(item.text for item in match.evidence[:3])
