"""What a target remembers, as files in one folder: releases, how they stand, the lock, the trail.

    releases/000041.json            the record of a release, written once
    releases/000041.manifest.json   what it is compared by
    standing.json                   which are bad or pinned, and since when each was last live
    lease.json                      who changes this place just now
    trail.jsonl                     who did what; see core/trail.py

Every change is made under one lock of the kernel and by rename, so that a kill leaves the old state or the new one.
The same files serve a laptop and a server.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from freehold.core import trail
from freehold.core.errors import LockHeld, LockLost, ReleaseUnknown
from freehold.core.release import COLD, LEASE_SECONDS, LIVE, STAGED, WARM, Lease, Manifest, Release, Standing
from freehold.core.trail import Act
from freehold.kit import private

RENEW_SECONDS = 10
"""A lease is written anew when it has lost so much: at each word of its holder it would wait for the disk."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Records:
    """The files below `folder`, which has to exist. `clock` is the place's own."""

    folder: Path
    clock: Callable[[], datetime] = field(default=_now)

    def releases(self) -> tuple[Release, ...]:
        """Every release, oldest first."""
        found = []
        for file in sorted(self._releases.glob("[0-9]*[0-9].json")):
            with contextlib.suppress(FileNotFoundError):  # somebody removes it just now
                found.append(Release(**json.loads(file.read_text())))
        return tuple(found)

    def release(self, number: int) -> Release:
        """One release; raises ReleaseUnknown."""
        try:
            return Release(**json.loads(self._file(number).read_text()))
        except FileNotFoundError as error:
            raise _unknown(number) from error

    def manifest(self, number: int) -> Manifest:
        """What a release is compared by; raises ReleaseUnknown."""
        try:
            return Manifest(**json.loads(self._file(number, ".manifest").read_text()))
        except FileNotFoundError as error:
            raise _unknown(number) from error

    def standings(self, live: int, running: AbstractSet[int]) -> tuple[Standing, ...]:
        """How every release stands, when `live` has the traffic and these run."""
        notes = self._notes()
        return tuple(
            Standing(
                release=release,
                state=_state(release.number, live, running, notes),
                bad=notes["bad"].get(str(release.number), ""),
                pinned=str(release.number) in notes["pinned"],
                live_since=notes["live_since"].get(str(release.number), ""),
            )
            for release in self.releases()
        )

    def add(self, lease: Lease, release: Release, manifest: Manifest) -> None:
        """Write a release once; an equal one again changes nothing, another one is refused."""
        with self.leased(lease):
            self._releases.mkdir(exist_ok=True, mode=0o700)
            if self._file(release.number).exists():
                if self.release(release.number) != release:
                    raise ReleaseUnknown(
                        f"there is another release {release.number} here already", hint="run the same command again"
                    )
                return
            # The record last: a release that is listed is whole.
            private.replace(self._file(release.number, ".manifest"), json.dumps(asdict(manifest)).encode())
            private.replace(self._file(release.number), json.dumps(asdict(release), indent=1).encode())

    def forget(self, lease: Lease, number: int) -> None:
        """Delete a release's records."""
        with self.leased(lease):
            self._file(number).unlink(missing_ok=True)
            self._file(number, ".manifest").unlink(missing_ok=True)
            self._note(lambda notes: [notes[kind].pop(str(number), None) for kind in notes])

    def live_since(self, number: int) -> str:
        """When a release last became live; "" for never."""
        return self._notes()["live_since"].get(str(number), "")

    def parts_of(self, number: int) -> frozenset[str]:
        """Digests of the parts that a release has and no other one."""
        every = self.releases()
        others = {digest for release in every if release.number != number for digest in release.parts.values()}
        own = {digest for release in every if release.number == number for digest in release.parts.values()}
        return frozenset(own - others)

    def note_live(self, number: int) -> None:
        """Write down that a release becomes live now; whoever moves the traffic calls this within `leased`."""
        self._note(lambda notes: notes["live_since"].update({str(number): self._stamp()}))

    def mark(self, lease: Lease, number: int, *, bad: str) -> None:
        """Write down why a release is bad, or that it is not."""
        with self.leased(lease):
            self.release(number)
            self._note(
                lambda notes: notes["bad"].update({str(number): bad}) if bad else notes["bad"].pop(str(number), None)
            )

    def pin(self, lease: Lease, number: int, *, pinned: bool) -> None:
        """Write down that a release is kept, or not any more."""
        with self.leased(lease):
            self.release(number)
            self._note(
                lambda notes: (
                    notes["pinned"].update({str(number): "yes"}) if pinned else notes["pinned"].pop(str(number), None)
                )
            )

    def take_lock(self, holder: str, purpose: str, *, process: str, seconds: int) -> Lease:
        """Take the lock, or have one's own renewed; raises LockHeld."""
        with self.locked():
            held = self.lock()
            same = held is not None and (held.holder, held.process) == (holder, process)
            if held is not None and not same:
                raise LockHeld(
                    f"{held.holder} changes this app just now: {held.purpose}",
                    detail=f"since {held.since}, until {held.until} at the latest",
                    hint="wait for it; if that command has died: freehold lock --break",
                )
            lease = Lease(
                token=held.token if held is not None else secrets.token_hex(16),
                holder=holder,
                purpose=purpose,
                process=process,
                since=held.since if held is not None else self._stamp(),
                until=self._stamp(seconds),
            )
            self._write_lease(lease)
            return lease

    def renew_lock(self, lease: Lease) -> None:
        """Have a lease last longer; raises LockLost."""
        with self.leased(lease):
            pass

    def lock(self) -> Lease | None:
        """Who holds the lock and has not run out."""
        lease = self._lease()
        return lease if lease is not None and self._still(lease) else None

    def drop_lock(self, lease: Lease) -> None:
        """Give the lock back, unless it is another's by now."""
        self.break_lock(lease.token)

    def break_lock(self, token: str) -> None:
        """End the lease with this token."""
        with self.locked():
            held = self._lease()
            if held is not None and held.token == token:
                self._lease_file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def leased(self, lease: Lease) -> Iterator[None]:
        """Let nobody else change anything while the block runs; renews the lease, and raises LockLost without it."""
        with self.locked():
            held = self._lease()
            if held is None or held.token != lease.token:
                raise LockLost(
                    "this command does not hold the lock any more",
                    detail=f"{held.holder} has it: {held.purpose}" if held else "it ran out or was broken",
                    hint="freehold lock   and   freehold trail   tell what happened; then run the command again",
                )
            renewed = self._stamp(LEASE_SECONDS - RENEW_SECONDS)
            if datetime.fromisoformat(held.until) < datetime.fromisoformat(renewed):
                self._write_lease(Lease(**asdict(held) | {"until": self._stamp(LEASE_SECONDS)}))
            yield

    def record(self, act: Act) -> None:
        """Append to the trail; what a kill left of a line is cut off first."""
        with self.locked(), self._trail.open("ab+") as file:
            last = _last_line(file.fileno())
            line = trail.following(last, act, self._stamp())
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def trail(self) -> tuple[str, ...]:
        """Every whole line of the trail, oldest first."""
        if not self._trail.exists():
            return ()
        return tuple(self._trail.read_text(encoding="utf-8").split("\n")[:-1])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the kernel's lock on the folder; short, and never twice in one process."""
        descriptor = os.open(self.folder / "records.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @property
    def _releases(self) -> Path:
        return self.folder / "releases"

    @property
    def _trail(self) -> Path:
        return self.folder / "trail.jsonl"

    @property
    def _lease_file(self) -> Path:
        return self.folder / "lease.json"

    def _file(self, number: int, kind: str = "") -> Path:
        return self._releases / f"{number:06}{kind}.json"

    def _notes(self) -> dict[str, dict[str, str]]:
        empty: dict[str, dict[str, str]] = {"bad": {}, "pinned": {}, "live_since": {}}
        with contextlib.suppress(FileNotFoundError):
            empty.update(json.loads((self.folder / "standing.json").read_text()))
        return empty

    def _note(self, change: Callable[[dict[str, dict[str, str]]], object]) -> None:
        notes = self._notes()
        change(notes)
        private.replace(self.folder / "standing.json", json.dumps(notes, indent=1).encode())

    def _lease(self) -> Lease | None:
        try:
            return Lease(**json.loads(self._lease_file.read_text()))
        except FileNotFoundError:
            return None

    def _write_lease(self, lease: Lease) -> None:
        private.replace(self._lease_file, json.dumps(asdict(lease), indent=1).encode())

    def _still(self, lease: Lease) -> bool:
        return datetime.fromisoformat(lease.until) > self.clock()

    def _stamp(self, seconds: float = 0) -> str:
        return (self.clock() + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _state(number: int, live: int, running: AbstractSet[int], notes: dict[str, dict[str, str]]) -> str:
    if number == live:
        return LIVE
    if number in running:
        return WARM
    return COLD if str(number) in notes["live_since"] else STAGED


def _unknown(number: int) -> ReleaseUnknown:
    return ReleaseUnknown(f"there is no release {number} here", hint="freehold releases")


def _last_line(descriptor: int) -> str:
    """Give the last whole line and cut off what comes after it."""
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < size:
        os.ftruncate(descriptor, len(whole))
    lines = whole.decode().split("\n")
    return lines[-2] if len(lines) > 1 else ""
