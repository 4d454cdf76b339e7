"""Base44: recognise and read its apps."""

from freehold.builders.base44.read import read
from freehold.builders.base44.recognise import NAME, recognise
from freehold.core.app import App, Match
from freehold.core.inventory import Inventory


class Base44:
    """The builder as an extension point sees it."""

    @property
    def name(self) -> str:
        """Base44."""
        return NAME

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app is Base44's."""
        return recognise(app)

    def read(self, app: App) -> Inventory:
        """Read the app."""
        return read(app)
