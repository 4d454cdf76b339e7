"""A target without processes: what tests deploy to. Its releases are healthy, sick or crash as they are told to.

Everything but the processes is what a real target has: records, lock and trail in a folder, and a real database.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from freehold.core.errors import ReleaseSick, ReleaseUnknown
from freehold.core.plan import Report
from freehold.core.release import (
    Check,
    Condition,
    Interpreter,
    Lease,
    Manifest,
    Needs,
    Problem,
    Release,
    Standing,
    Traffic,
)
from freehold.core.secret import Secret
from freehold.kit import files, pip
from freehold.targets.recorded import Recorded
from freehold.targets.records import Records


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class MemoryTarget(Recorded):
    """A Target, see core/target.py. `dsns` are the administrator's and the owner's; None where no test migrates."""

    folder: Path
    dsns: tuple[Secret, Secret] | None = None
    name: str = "memory"
    address: str = "https://app.invalid"
    publishable_key: str = "sb_publishable_memory"
    problems: tuple[Problem, ...] = ()
    sick: dict[int, Check] = field(default_factory=dict)
    """Checks that fail, by the number of the release."""
    answered: dict[int, Traffic] = field(default_factory=dict)
    """What each release has answered so far."""
    runs: set[int] = field(default_factory=set)
    live: int = 0
    switches: list[int] = field(default_factory=list)
    """Every switch there was, in order."""
    secrets: dict[str, list[Secret]] = field(default_factory=dict)
    clock: Callable[[], datetime] = _now

    def check(self, needs: Needs) -> Condition:  # noqa: ARG002 - a test says what is missing
        """As told."""
        return Condition(problems=self.problems)

    def interpreter(self) -> Interpreter:
        """The one that runs this."""
        return pip.own()

    @contextlib.contextmanager
    def database(self) -> Iterator[tuple[Secret, Secret]]:
        """The test's database."""
        if self.dsns is None:
            message = "this test has no database"
            raise RuntimeError(message)
        yield self.dsns

    def releases(self) -> tuple[Standing, ...]:
        """Every release."""
        return self._records.standings(self.live, self.runs)

    def push(self, lease: Lease, parts: Mapping[str, Path], report: Report) -> None:  # noqa: ARG002 - nothing to tell
        """Copy what is missing."""
        self.renew_lock(lease)
        for folder in parts.values():
            if not (self._parts / folder.name).is_dir():
                with files.whole_folder(self._parts / folder.name) as new:
                    for file in files.list_files(folder):
                        files.link_or_copy(folder / file, new / file)

    def add(self, lease: Lease, release: Release, manifest: Manifest) -> None:
        """Write the record."""
        missing = [name for name, digest in release.parts.items() if not (self._parts / digest).is_dir()]
        if missing:
            raise ReleaseUnknown(f"release {release.number} lacks its {', '.join(missing)}", hint="push it first")
        self._records.add(lease, release, manifest)

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Healthy unless told otherwise."""
        with self._records.leased(lease):
            self._records.release(number)
        failed = self.sick.get(number)
        if failed is not None:
            if number != self.live:
                self.runs.discard(number)
            return (failed,)
        self.runs.add(number)
        return (Check(name="process", ok=True), Check(name="api", ok=True))

    def switch(self, lease: Lease, number: int) -> None:
        """Note the switch."""
        with self._records.leased(lease):
            self._records.release(number)
            if number not in self.runs:
                raise ReleaseSick(f"release {number} does not run", hint="look at it first")
            self.live = number
            self.switches.append(number)
            self._records.note_live(number)

    def traffic(self, number: int) -> Traffic:
        """As told."""
        return self.answered.get(number, Traffic(requests=0, failed=0))

    def remove(self, lease: Lease, number: int) -> None:
        """Forget it, and the parts that nobody else has."""
        if number == self.live:
            raise ReleaseUnknown(f"release {number} is live and cannot be removed", hint="freehold releases")
        with self._records.leased(lease):
            gone = self._records.parts_of(number)
        self.runs.discard(number)
        self._records.forget(lease, number)
        for digest in gone:
            files.remove_tree(self._parts / digest)

    def secret_versions(self) -> dict[str, str]:
        """Names and numbers."""
        return {name: str(len(values)) for name, values in sorted(self.secrets.items())}

    def put_secret(self, name: str, value: Secret) -> str:
        """Keep it."""
        self.secrets.setdefault(name, []).append(value)
        return str(len(self.secrets[name]))

    def logs(self, *, lines: int, follow: bool, of: str = "") -> Iterator[str]:  # noqa: ARG002 - it says the same always
        """One line a switch."""
        yield from [f"release {number} has the traffic" for number in self.switches][-lines:]

    def logged(self) -> tuple[str, ...]:
        """No program runs here."""
        return ()

    @property
    def _parts(self) -> Path:
        return self.folder / "parts"

    @property
    def _records(self) -> Records:
        return Records(self.folder, self.clock)
