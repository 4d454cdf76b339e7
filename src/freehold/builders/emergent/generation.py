"""Which of Emergent's layouts an app has, by its front end."""

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import packages

REACT = "fastapi-react"
EXPO = "fastapi-expo"


def generation(checkout: Checkout) -> str:
    """Name the layout."""
    return EXPO if any("expo" in package.dependencies for package in packages(checkout)) else REACT
