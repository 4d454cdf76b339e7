"""This machine as a target: what `freehold up` serves, for the same commands as every other place."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from freehold.core.errors import ProcessDied, ReleaseUnknown, SecretRefused, TargetUnfit
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
from freehold.core.target_name import LOCAL
from freehold.kit import files, pip, postgres, tail
from freehold.targets import probe, traffic
from freehold.targets.local import fleet, state
from freehold.targets.local.control import Hands
from freehold.targets.local.database_access import Access, Login
from freehold.targets.local.place import Place
from freehold.targets.recorded import Recorded
from freehold.targets.records import Records


class Secrets(Protocol):
    """The owner's secrets in this place."""

    def names(self) -> tuple[str, ...]:
        """The names that have a value."""

    def version(self, name: str) -> str:
        """The newest version's id."""

    def put(self, name: str, value: Secret) -> str:
        """Keep a new version."""


@dataclass(frozen=True, kw_only=True)
class LocalTarget(Recorded):
    """A Target, see core/target.py. Records are files; what starts and stops processes is `hands`."""

    place: Place
    hands: Hands
    secrets: Secrets
    access: Callable[[], Access]
    """Gives the logins of the app's database; raises NotRunning when it was never up."""
    publishable_key: str
    runtime: str
    """The version of the runtime that is installed here: there is one."""
    name: str = LOCAL

    @property
    def address(self) -> str:
        """Where the app is served now; "" while it is not up."""
        running = state.read(self.place.state)
        return running.url if running is not None else ""

    def check(self, needs: Needs) -> Condition:
        """Look at the disk and the installed runtime."""
        free = shutil.disk_usage(self.place.root).free
        problems = []
        if needs.runtime != self.runtime:
            problems.append(
                Problem(
                    message=f"the release wants runtime {needs.runtime}, and {self.runtime} is installed here",
                    hint=f"install freehold=={needs.runtime}",
                )
            )
        if free < needs.disk_bytes:
            problems.append(
                Problem(
                    message="the disk is too full",
                    detail=f"{needs.disk_bytes >> 20} MB are needed, {free >> 20} MB are free at {self.place.root}",
                    hint="freehold releases --prune, or make room",
                )
            )
        facts = {"folder": str(self.place.root), "free disk": f"{free >> 20} MB", "runtime": self.runtime}
        return Condition(problems=tuple(problems), facts=facts)

    def interpreter(self) -> Interpreter:
        """The one that runs this."""
        return pip.own()

    @contextlib.contextmanager
    def database(self) -> Iterator[tuple[Secret, Secret]]:
        """Give the logins as they are: the database is on this machine, or the owner's own."""
        access = self.access()
        yield _dsn(access.admin), _dsn(access.owner)

    def releases(self) -> tuple[Standing, ...]:
        """Every release here."""
        return self._records.standings(fleet.live(self.place), self.hands.running())

    def push(self, lease: Lease, parts: Mapping[str, Path], report: Report) -> None:  # noqa: ARG002 - it is quick here
        """Link or copy what is not here."""
        self.renew_lock(lease)
        for folder in parts.values():
            destination = self.place.artifacts / folder.name
            if destination.is_dir():
                continue
            try:
                with files.whole_folder(destination) as new:
                    for name in files.list_files(folder):
                        files.link_or_copy(folder / name, new / name)
            except OSError as error:
                raise TargetUnfit(
                    "the release cannot be stored", detail=str(error), hint="make room, then run it again"
                ) from error

    def add(self, lease: Lease, release: Release, manifest: Manifest) -> None:
        """Write the record."""
        missing = [name for name, digest in release.parts.items() if not (self.place.artifacts / digest).is_dir()]
        if missing:
            raise ReleaseUnknown(f"release {release.number} lacks its {', '.join(missing)}", hint="freehold deploy")
        self._records.add(lease, release, manifest)

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Start it and look."""
        with self._records.leased(lease):
            release = self._records.release(number)
        if release.runtime != self.runtime:
            raise self._other_runtime(release.runtime)
        try:
            self.hands.start(number)
        except (ProcessDied, SecretRefused) as error:
            return (Check(name="process", ok=False, detail=f"{error.message}\n{error.detail}".strip()),)
        is_known = bool(self._records.live_since(number))
        checks = probe.look(self.place.run / f"{number}.sock", release, self.publishable_key, is_known=is_known)
        alive = number in self.hands.running()
        checks = (Check(name="process", ok=alive, detail="runs" if alive else "ended"), *checks)
        if not all(check.ok for check in checks) and number != fleet.live(self.place):
            self.hands.stop(number)
        return checks

    def _other_runtime(self, wanted: str) -> TargetUnfit:
        return TargetUnfit(
            f"the release wants runtime {wanted}, and {self.runtime} is installed here",
            hint=f"install freehold=={wanted}, or mend the code and freehold deploy",
        )

    def switch(self, lease: Lease, number: int) -> None:
        """Point the link at it."""
        with self._records.leased(lease):
            self._records.release(number)
            self.hands.switch(number)
            self._records.note_live(number)

    def traffic(self, number: int) -> Traffic:
        """Read what its processes have counted."""
        return traffic.read(self.place.run / f"{number}.traffic")

    def remove(self, lease: Lease, number: int) -> None:
        """Stop it, forget it, and delete the parts that no other release has."""
        if number == fleet.live(self.place):
            raise ReleaseUnknown(f"release {number} is live and cannot be removed", hint="freehold releases")
        with self._records.leased(lease):
            gone = self._records.parts_of(number)
        self.hands.stop(number)
        self._records.forget(lease, number)
        for digest in gone:
            files.remove_tree(self.place.artifacts / digest)
            for rendered in self.place.rendered.glob(f"{digest[:16]}-*"):
                files.remove_tree(rendered)

    def secret_versions(self) -> dict[str, str]:
        """Names and newest versions."""
        return {name: self.secrets.version(name) for name in self.secrets.names()}

    def put_secret(self, name: str, value: Secret) -> str:
        """Keep a new version."""
        return self.secrets.put(name, value)

    def logs(self, *, lines: int, follow: bool, of: str = "") -> Iterator[str]:
        """What the releases log, all of them into one file; or what one of the app's programs has printed."""
        return tail.tail(self.place.printed / f"{of}.log" if of else self.place.runtime_log, lines=lines, follow=follow)

    def logged(self) -> tuple[str, ...]:
        """The files that are there."""
        return tuple(sorted(path.stem for path in self.place.printed.glob("*.log")))

    @property
    def _records(self) -> Records:
        return Records(self.place.root)


def _dsn(login: Login) -> Secret:
    return Secret(postgres.compose(login.parameters | {"password": login.password.reveal()}))
