"""Which of Bolt's layouts an app has: its template says, else its dependencies do."""

from freehold.builders.shared import jsonc
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import Package

VITE = "vite"
NEXT = "next"
EXPO = "expo"


def generation(checkout: Checkout, package: Package | None) -> str:
    """Name the layout; "" when neither a package.json nor a template tells."""
    if package is not None:
        for dependency, name in (("next", NEXT), ("expo", EXPO), ("vite", VITE)):
            if dependency in package.dependencies:
                return name
    return next((name for name in (NEXT, EXPO, VITE) if name in _template(checkout)), "")


def _template(checkout: Checkout) -> str:
    settings = jsonc.read(checkout.text(".bolt/config.json")) or {}
    return str(settings.get("template", ""))
