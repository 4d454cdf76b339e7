"""Lovable: recognise and read its apps."""

from freehold.builders.lovable.read import read
from freehold.builders.lovable.recognise import NAME, recognise
from freehold.core.app import App, Match
from freehold.core.inventory import Inventory


class Lovable:
    """The builder as an extension point sees it."""

    @property
    def name(self) -> str:
        """Lovable."""
        return NAME

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app is Lovable's."""
        return recognise(app)

    def read(self, app: App) -> Inventory:
        """Read the app."""
        return read(app)
