"""Replit: recognise and read its apps."""

from freehold.builders.replit.read import read
from freehold.builders.replit.recognise import NAME, recognise
from freehold.core.app import App, Match
from freehold.core.inventory import Inventory


class Replit:
    """The builder as an extension point sees it."""

    @property
    def name(self) -> str:
        """Replit."""
        return NAME

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app is Replit's."""
        return recognise(app)

    def read(self, app: App) -> Inventory:
        """Read the app."""
        return read(app)
