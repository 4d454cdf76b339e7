"""Emergent: recognise and read its apps."""

from freehold.builders.emergent.read import read
from freehold.builders.emergent.recognise import NAME, recognise
from freehold.core.app import App, Match
from freehold.core.inventory import Inventory


class Emergent:
    """The builder as an extension point sees it."""

    @property
    def name(self) -> str:
        """Emergent."""
        return NAME

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app is Emergent's."""
        return recognise(app)

    def read(self, app: App) -> Inventory:
        """Read the app."""
        return read(app)
