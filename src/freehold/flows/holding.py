"""Hold a target's lock while something is changed there, and write down what became of it."""

import contextlib
import getpass
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from freehold.core.errors import FreeholdError, LockHeld, LockLost, TargetUnreachable
from freehold.core.release import LEASE_SECONDS, Lease
from freehold.core.target import Switching
from freehold.core.trail import Act
from freehold.targets.local import state

RENEW_EVERY_SECONDS = 120.0
NEW_SECRETS = "new-secrets"
"""The change that `freehold up` makes by itself: nobody has typed it, so nobody can be told to wait for it."""
PATIENCE_SECONDS = 3.0
NEW_SECRETS_SECONDS = 150.0
"""A release starts with them, and is looked at."""
ASK_EVERY_SECONDS = 0.1
LONGEST_TEXT = 500
Done = TypeVar("Done")


@dataclass
class Note:
    """What is to be written into the trail; filled in while the work goes on."""

    act: Act
    values: dict[str, str] = field(default_factory=dict)
    is_handed_over: bool = False
    """Whether the target was asked to write it down itself, and to give the lock back."""

    def about(self, release: int, plan: tuple[str, ...] = (), **values: str) -> None:
        """Say which release it is about, by which plan, and anything else that explains it later."""
        self.values |= values
        self.act = replace(self.act, release=release, plan=plan or self.act.plan, values=dict(self.values))


def me() -> str:
    """Who is asking: a person and a machine."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):
        person = str(os.getuid())
    return f"{person}@{os.uname().nodename or 'localhost'}"


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: a person and a machine, and the process there."""

    name: str
    process: str

    @classmethod
    def me(cls) -> "Holder":
        """This process."""
        pid, started = state.me()
        return cls(me(), f"{pid}:{started}")


def break_lock(target: Switching) -> Lease | None:
    """End the lock, whoever holds it, and write that down; gives whose it was."""
    lease = target.lock()
    if lease is not None:
        target.break_lock(lease.token)
        values = {"holder": lease.holder, "did": lease.purpose}
        target.record(Act(who=me(), what="lock-broken", result="done", values=values))
    return lease


def nobody() -> Lease:
    """A lease that opens nothing, for plans that are only shown."""
    return Lease(token="", holder="", purpose="", since="", until="")


@contextlib.contextmanager
def held(target: Switching, what: str) -> Iterator[tuple[Lease, Note]]:
    """Hold the lock for the block and record how it ended; raises LockHeld.

    What a killed command of this machine left is taken over. A change that fails, or is refused, is recorded as failed;
    then the error is raised again.
    """
    holder = Holder.me()
    lease = patiently(target, lambda: take(target, holder, what))
    with holding(target, what, lease) as note:
        yield lease, note


@contextlib.contextmanager
def holding(target: Switching, what: str, lease: Lease) -> Iterator[Note]:
    """The same with a lock that was taken before."""
    note = Note(Act(who=lease.holder, what=what, result="done"))
    is_ours = True
    try:
        with renewed(target, lease):
            yield note
    except BaseException as error:
        is_ours = not note.is_handed_over or _is_still(target, lease)
        if is_ours:
            _record(target, replace(note.act, result="failed", detail=_detail(error)))
        raise
    else:
        is_ours = not note.is_handed_over
        if is_ours:
            target.record(note.act)
    finally:
        if is_ours:
            with contextlib.suppress(TargetUnreachable):
                target.drop_lock(lease)


@contextlib.contextmanager
def renewed(target: Switching, lease: Lease, every_seconds: float = RENEW_EVERY_SECONDS) -> Iterator[None]:
    """Keep the lock for as long as the block takes: a watch, or an index that is built, may be silent for longer."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(every_seconds):
            try:
                target.renew_lock(lease)
            except FreeholdError:
                return  # the work itself meets what is wrong

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def take(target: Switching, holder: Holder, what: str) -> Lease:
    """Take the lock; raises LockHeld at once."""
    return target.take_lock(holder.name, what, process=holder.process, seconds=LEASE_SECONDS)


def patiently(target: Switching, act: Callable[[], Done], patience_seconds: float = PATIENCE_SECONDS) -> Done:
    """Do what wants the lock: what is short is waited for, new secrets to their end; a dead command's lock is freed."""
    began = time.monotonic()
    while True:
        try:
            return act()
        except LockHeld:
            lease = target.lock()
            if lease is None:
                continue  # it was given back meanwhile
            if _is_dead(lease):
                target.break_lock(lease.token)
                continue
            patience = NEW_SECRETS_SECONDS if lease.purpose == NEW_SECRETS else patience_seconds
            if time.monotonic() - began > patience:
                raise
            time.sleep(ASK_EVERY_SECONDS)


def _is_dead(lease: Lease) -> bool:
    """Whether the holder was a process of this machine and of this person, and has ended."""
    pid, _, started = lease.process.partition(":")
    return lease.holder == me() and pid.isdigit() and state.start_time(int(pid)) != started


def _is_still(target: Switching, lease: Lease) -> bool:
    """Whether the lock is still held by this lease: what was to write the note has ended without a word."""
    with contextlib.suppress(TargetUnreachable):
        held = target.lock()
        return held is not None and held.token == lease.token
    return False


def _record(target: Switching, act: Act) -> None:
    """A target that cannot be reached any more cannot be told; the error that is on its way says so."""
    with contextlib.suppress(TargetUnreachable, LockLost):
        target.record(act)


def _detail(error: BaseException) -> str:
    text = f"{error.code} {error.message}" if isinstance(error, FreeholdError) else type(error).__name__
    return text[:LONGEST_TEXT]
