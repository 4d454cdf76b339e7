"""The extension points: what a builder, a target, a secret store and a rule have to be.

A target has a module of its own, core/target.py: it travels to servers, where the others are not.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from freehold.core.app import App, Match
from freehold.core.finding import Card, Finding, FormerText
from freehold.core.inventory import Inventory
from freehold.core.secret import Secret
from freehold.core.target import Target

__all__ = ["Builder", "Facts", "Rule", "SecretStore", "Target"]
Known = TypeVar("Known")


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


class Facts(Protocol):
    """What is known about an app, read when it is asked for and shared by all rules. Paths are relative to its root."""

    @property
    def inventory(self) -> Inventory | None:
        """The builder's reading; None when no builder is sure."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the app that its owner wrote or a builder made for him, sorted."""

    def text(self, path: str) -> str:
        """A file's text; "" for what is missing, binary or too large to be written by hand."""

    def is_published(self, path: str) -> bool:
        """Whether whoever has the sources has this file: git tracks it, or the app came without git."""

    @property
    def history(self) -> tuple[FormerText, ...]:
        """Former versions of files that may hold credentials; () when the app came without git."""

    def commit_of(self, former: FormerText) -> str:
        """The short id of the commit that brought a former version."""

    def once(self, find: Callable[["Facts"], Known]) -> Known:
        """What a function finds in these facts, found once for all rules that ask."""

    def code(self, *areas: str) -> tuple[str, ...]:
        """Source files of the areas browser, server and function (edge functions); tests and samples are in none."""

    def tree(self, path: str) -> Any:  # noqa: ANN401 - a node of ast-grep, whose package core does not know
        """The root node of a file's syntax tree, parsed once."""

    def sources_of(self, entry: str) -> tuple[str, ...]:
        """A file and the files of the app that it imports, directly or not."""

    def rows(self, statement: str) -> tuple[Mapping[str, Any], ...]:
        """Rows of a read-only query on the app's replayed schema; () when there is no database."""

    def is_doubtful(self, name: str) -> bool:
        """Whether statements about this table or function failed in the replay, so that its state is not certain."""


class Rule(Protocol):
    """Looks for one kind of flaw; a module with these two names is one.

    `check` reads facts and nothing else: no network, no change, none of the app's code is run. It may be called
    twice and in any order with other rules. No finding ever holds a secret's value. What is not certain is likely or
    possible, and what a careful reader would shrug at is not reported.
    """

    @property
    def card(self) -> Card:
        """What it is about."""

    def check(self, facts: Facts) -> Iterable[Finding]:
        """Give its findings; an empty database or an unrecognised app is no error."""
