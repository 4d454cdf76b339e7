"""What a target has to be: one app's place on one machine or service."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from freehold.core.plan import Report
from freehold.core.release import Check, Condition, Interpreter, Lease, Manifest, Needs, Release, Standing, Traffic
from freehold.core.secret import Secret
from freehold.core.trail import Act

OWN_SERVER = "_server"
"""Under which the app's own server logs, beside its functions: no function is called so."""


class Switching(Protocol):
    """As much of a Target as it takes to move the traffic from one of its releases to another; see there.

    A server offers this much to the flows that run on it.
    """

    @property
    def name(self) -> str:
        """What its owner calls it: local, production."""

    @property
    def address(self) -> str:
        """Where users find the app: an origin, such as https://shop.example.org."""

    def releases(self) -> tuple[Standing, ...]:
        """Every release that is still here, oldest first, exactly one of them live once any was."""

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

    def remove(self, lease: Lease, number: int) -> None:
        """Stop and delete a release and the parts nobody else has; the live one is refused with ReleaseUnknown."""

    def take_lock(self, holder: str, purpose: str, *, process: str, seconds: int) -> Lease:
        """Take the lock for so long at most; raises LockHeld with who has it, since when and until when.

        The same holder and process has it renewed. A lease that has run out is anybody's.
        """

    def renew_lock(self, lease: Lease) -> None:
        """Have it last for LEASE_SECONDS from now; raises LockLost. It is asked while something else is under way."""

    def drop_lock(self, lease: Lease) -> None:
        """Give the lock back; nothing happens when it is another's by now."""

    def lock(self) -> Lease | None:
        """Who holds the lock, or None."""

    def break_lock(self, token: str) -> None:
        """End the lease with this token, whoever has it."""

    def record(self, act: Act) -> None:
        """Append to the trail, with the target's own clock; on disk when it returns. See core/trail.py."""


class Target(Switching, Protocol):
    """One app's place on one machine or service. The truth lives there: releases, lock, trail, secrets.

    Everything is idempotent: called again after a kill, a lost connection or a success, it carries on or changes
    nothing. What changes a target takes the lease; it renews it, and refuses a lease that is not the current one with
    LockLost before it changes anything. At every moment the traffic goes to one release that was healthy. A place that
    does not answer is TargetUnreachable. No argument ever becomes shell text, and no secret a file name or an argv.
    """

    @property
    def publishable_key(self) -> str:
        """The key that the app's pages carry."""

    def check(self, needs: Needs) -> Condition:
        """Look whether a release with these needs can live here; changes nothing."""

    def interpreter(self) -> Interpreter:
        """The Python that would run an app's own Python server here; raises TargetUnfit where none can be kept in."""

    def database(self) -> AbstractContextManager[tuple[Secret, Secret]]:
        """Open the app's database from here: connection strings of its administrator and of the role `owner`."""

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

    def pin(self, lease: Lease, number: int, *, pinned: bool) -> None:
        """Keep a release from being pruned, or not any more."""

    def secret_versions(self) -> dict[str, str]:
        """Names of the secrets here, and the ids of their newest versions."""

    def put_secret(self, name: str, value: Secret) -> str:
        """Keep a new version and give its id; releases that record an older one go on with that."""

    def trail(self) -> tuple[str, ...]:
        """Every line of the trail, oldest first, as it stands there."""

    def logs(self, *, lines: int, follow: bool, of: str = "") -> Iterator[str]:
        """The newest lines of what releases have logged, oldest first; with `follow` it does not end by itself.

        With `of`, a function's name or OWN_SERVER, they are what that program of the app has printed: JSON objects with
        `time`, `level`, `request` and `text`.
        """

    def logged(self) -> tuple[str, ...]:
        """The programs of the app that have printed something: functions' names, and OWN_SERVER for its server."""
