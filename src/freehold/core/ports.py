"""The extension points: what a builder, a target, a secret store and a rule have to be."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from freehold.core.app import App, Match
from freehold.core.finding import Card, Finding, FormerText
from freehold.core.inventory import Inventory
from freehold.core.plan import Report
from freehold.core.release import Check, Condition, Lease, Manifest, Needs, Release, Standing, Traffic
from freehold.core.secret import Secret
from freehold.core.trail import Act

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


class Target(Protocol):
    """One app's place on one machine or service. The truth lives there: releases, lock, trail, secrets.

    Everything is idempotent: called again after a kill, a lost connection or a success, it carries on or changes
    nothing. What changes a target takes the lease; it renews it, and refuses a lease that is not the current one with
    LockLost before it changes anything. At every moment the traffic goes to one release that was healthy. A place that
    does not answer is TargetUnreachable. No argument ever becomes shell text, and no secret a file name or an argv.
    """

    @property
    def name(self) -> str:
        """What its owner calls it: local, production."""

    @property
    def address(self) -> str:
        """Where users find the app: an origin, such as https://shop.example.org."""

    @property
    def publishable_key(self) -> str:
        """The key that the app's pages carry."""

    def check(self, needs: Needs) -> Condition:
        """Look whether a release with these needs can live here; changes nothing."""

    def database(self) -> AbstractContextManager[tuple[Secret, Secret]]:
        """Open the app's database from here: connection strings of its administrator and of the role `owner`."""

    def releases(self) -> tuple[Standing, ...]:
        """Every release that is still here, oldest first, exactly one of them live once any was."""

    def manifest(self, number: int) -> Manifest:
        """What a release is compared by; raises ReleaseUnknown."""

    def push(self, lease: Lease, parts: Mapping[str, Path], report: Report) -> None:
        """Bring folders here, by name of the part; only what is missing travels, and a cut transfer is carried on.

        A part is whole here or not at all. Raises TargetUnfit when the disk is full, with the place as it was.
        """

    def add(self, lease: Lease, release: Release, manifest: Manifest) -> None:
        """Make a release of parts that were pushed: it is staged, does not run, and never changes again.

        The same release again changes nothing; another one under its number is refused with ReleaseUnknown.
        """

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Start a release beside the live one unless it runs, and look at it where no user is: site, API, database.

        Checks are named process, site, api, database and functions; one that the release has no part for is left out.
        A process that ends is seen at once, not when the time is over. What is not well is stopped again, unless it
        is live. `number` of the live release just looks.
        """

    def switch(self, lease: Lease, number: int) -> None:
        """Send every new request to a release that runs; those under way end where they are. Raises ReleaseSick.

        The one before stays warm for a while. Jobs and the reading of changes go with the traffic.
        """

    def traffic(self, number: int) -> Traffic:
        """How many requests a running release has answered; all zero when it does not run."""

    def mark(self, lease: Lease, number: int, *, bad: str) -> None:
        """Say why a release is bad; "" takes it back."""

    def pin(self, lease: Lease, number: int, *, pinned: bool) -> None:
        """Keep a release from being pruned, or not any more."""

    def remove(self, lease: Lease, number: int) -> None:
        """Stop and delete a release and the parts nobody else has; the live one is refused with ReleaseUnknown."""

    def secret_versions(self) -> dict[str, str]:
        """Names of the secrets here, and the ids of their newest versions."""

    def put_secret(self, name: str, value: Secret) -> str:
        """Keep a new version and give its id; releases that record an older one go on with that."""

    def take_lock(self, holder: str, purpose: str, *, process: str, seconds: int) -> Lease:
        """Take the lock for so long at most; raises LockHeld with who has it, since when and until when.

        The same holder and process has it renewed. A lease that has run out is anybody's.
        """

    def drop_lock(self, lease: Lease) -> None:
        """Give the lock back; nothing happens when it is another's by now."""

    def lock(self) -> Lease | None:
        """Who holds the lock, or None."""

    def break_lock(self, token: str) -> None:
        """End the lease with this token, whoever has it."""

    def record(self, act: Act) -> None:
        """Append to the trail, with the target's own clock; on disk when it returns. See core/trail.py."""

    def trail(self) -> tuple[str, ...]:
        """Every line of the trail, oldest first, as it stands there."""

    def logs(self, *, lines: int, follow: bool) -> Iterator[str]:
        """The newest lines of what releases have logged, oldest first; with `follow` it does not end by itself."""


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
