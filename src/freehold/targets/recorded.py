"""What a target is asked and its records alone answer: the same for every target whose records are files at hand."""

from abc import ABC, abstractmethod

from freehold.core.release import Lease, Manifest
from freehold.core.trail import Act
from freehold.targets.records import Records


class Recorded(ABC):
    """As much of a Target, see core/target.py, as its Records are."""

    @property
    @abstractmethod
    def _records(self) -> Records:
        """Its records."""

    def manifest(self, number: int) -> Manifest:
        """What a release is compared by."""
        return self._records.manifest(number)

    def mark(self, lease: Lease, number: int, *, bad: str) -> None:
        """Say why a release is bad."""
        self._records.mark(lease, number, bad=bad)

    def pin(self, lease: Lease, number: int, *, pinned: bool) -> None:
        """Keep a release."""
        self._records.pin(lease, number, pinned=pinned)

    def take_lock(self, holder: str, purpose: str, *, process: str, seconds: int) -> Lease:
        """Take the lock."""
        return self._records.take_lock(holder, purpose, process=process, seconds=seconds)

    def renew_lock(self, lease: Lease) -> None:
        """Go on holding it."""
        self._records.renew_lock(lease)

    def drop_lock(self, lease: Lease) -> None:
        """Give it back."""
        self._records.drop_lock(lease)

    def lock(self) -> Lease | None:
        """Who holds it."""
        return self._records.lock()

    def break_lock(self, token: str) -> None:
        """End a lease."""
        self._records.break_lock(token)

    def record(self, act: Act) -> None:
        """Append to the trail."""
        self._records.record(act)

    def trail(self) -> tuple[str, ...]:
        """The trail's lines."""
        return self._records.trail()
