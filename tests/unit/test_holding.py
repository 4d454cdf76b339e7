"""The lock of a target, for as long as somebody works there."""

import time
from pathlib import Path

import pytest

from freehold.core.errors import LockHeld
from freehold.core.release import Lease
from freehold.flows import holding
from freehold.targets.memory import MemoryTarget


def test_a_lock_stays_held_for_longer_than_its_lease_lasts(tmp_path: Path) -> None:
    target = MemoryTarget(folder=tmp_path)
    lease = target.take_lock("anna@laptop", "deploy", process="1", seconds=1)
    deadline = time.monotonic() + 60
    with holding.renewed(target, lease, every_seconds=0.01):
        while (held := target.lock()) is None or held.until == lease.until:
            assert time.monotonic() < deadline, "it was not renewed"
            time.sleep(0.01)
    assert (held.token, held.until > lease.until) == (lease.token, True)


def test_work_goes_on_to_meet_what_became_of_a_lock_that_was_broken(tmp_path: Path) -> None:
    target = MemoryTarget(folder=tmp_path)
    lease = target.take_lock("anna@laptop", "deploy", process="1", seconds=600)
    target.break_lock(lease.token)
    with holding.renewed(target, lease, every_seconds=0):
        pass
    assert target.lock() is None


def test_new_secrets_are_waited_for_and_what_somebody_typed_is_not(tmp_path: Path) -> None:
    target = MemoryTarget(folder=tmp_path)
    tries = 0

    def third_time_lucky() -> Lease:
        nonlocal tries
        tries += 1
        if tries == 3:
            target.drop_lock(held)
        return target.take_lock("anna@laptop", "deploy", process="1", seconds=600)

    held = target.take_lock("up@laptop", holding.NEW_SECRETS, process="2", seconds=600)
    mine = holding.patiently(target, third_time_lucky, patience_seconds=0)
    assert target.lock() == mine
    target.drop_lock(mine)
    target.take_lock("bert@desk", "deploy", process="2", seconds=600)
    with pytest.raises(LockHeld, match="bert@desk"):
        holding.patiently(target, third_time_lucky, patience_seconds=0)
    assert tries > 3


def test_a_lock_that_is_given_back_before_its_holder_is_looked_up_is_taken(tmp_path: Path) -> None:
    target = MemoryTarget(folder=tmp_path)
    held = target.take_lock("up@laptop", holding.NEW_SECRETS, process="2", seconds=600)

    def a_moment_too_early() -> Lease:
        try:
            return target.take_lock("anna@laptop", "deploy", process="1", seconds=600)
        finally:
            target.drop_lock(held)

    assert target.lock() == held
    assert holding.patiently(target, a_moment_too_early, patience_seconds=0).holder == "anna@laptop"
