"""The extension points: what a builder, a target, a secret store and a rule have to be."""

from typing import Protocol

from freehold.core.app import App, Match
from freehold.core.inventory import Inventory
from freehold.core.secret import Secret


class Builder(Protocol):
    """Knows one AI app builder.

    Neither method changes the app, runs any of its code or uses the network. Both may be called twice.
    """

    @property
    def name(self) -> str:
        """The builder's name in lower case."""

    def recognise(self, app: App) -> Match | None:
        """Say how sure it is that the app came from this builder, with evidence; None if nothing speaks for it."""

    def read(self, app: App) -> Inventory:
        """Read everything that can be known; what cannot goes to `unknowns`."""


class SecretStore(Protocol):
    """Keeps the owner's secrets. Values never reach logs, errors or a process list."""

    def names(self) -> tuple[str, ...]:
        """The names that have a value, sorted."""

    def get(self, name: str) -> Secret | None:
        """The value, or None when it was never put. Raises SecretRefused when the store cannot be read."""

    def put(self, name: str, value: Secret) -> str:
        """Store a new version and give its id. Durable when it returns."""
