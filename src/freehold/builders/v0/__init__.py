"""v0: recognise and read its apps."""

from freehold.builders.v0.read import read
from freehold.builders.v0.recognise import NAME, recognise
from freehold.core.app import App, Match
from freehold.core.inventory import Inventory


class V0:
    """The builder as an extension point sees it."""

    @property
    def name(self) -> str:
        """v0."""
        return NAME

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app is v0's."""
        return recognise(app)

    def read(self, app: App) -> Inventory:
        """Read the app."""
        return read(app)
