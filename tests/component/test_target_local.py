"""This machine keeps the contract of every target, with real runtimes on a real database."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import freehold
from freehold.core import configuration
from freehold.core.errors import TargetUnfit
from freehold.core.release import COLD, LIVE, STAGED, WARM, Lease, Manifest, Release
from freehold.core.secret import Secret
from freehold.platform.credentials import keys
from freehold.secrets.age import AgeStore
from freehold.targets.local import fleet, listener
from freehold.targets.local.database_access import Access, Login
from freehold.targets.local.fleet import Fleet
from freehold.targets.local.place import Place
from freehold.targets.local.target import LocalTarget
from freehold.targets.records import Records
from freehold.testing.database import FreshDatabase, fresh_database
from freehold.testing.targets import TargetContract


@pytest.fixture(scope="module")
def shared() -> Iterator[FreshDatabase]:
    with fresh_database() as database:
        yield database


class Clock:
    """The machine's own, and later than it by as much as a test says."""

    later_seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.later_seconds


class TestLocal(TargetContract):
    runtime = freehold.__version__

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def target(self, tmp_path: Path, shared: FreshDatabase, clock: Clock) -> Iterator[LocalTarget]:
        place = Place(tmp_path / "place")
        place.prepare()
        project = keys.new_keys()

        def compose(number: int) -> Mapping[str, object]:
            release = Records(place.root).release(number)
            filled = configuration.filled(
                release.config,
                secret_value=lambda name: name,
                part_path=lambda name, path: str(place.artifacts / release.parts[name] / path),
            )
            assert isinstance(filled, dict)
            return filled | {
                "public_url": "http://127.0.0.1",
                "rest_dsn": shared.rest_dsn,
                "auth_dsn": shared.auth_dsn,
                "storage_dsn": shared.storage_dsn,
                "jobs_dsn": shared.owner_dsn,
                "jwt_secret": project.jwt_secret.reveal(),
                "signing_key": project.signing_key.reveal(),
                "publishable_key": project.publishable_key,
                "secret_key": project.secret_key.reveal(),
                "anon_jwt": project.anon_jwt,
                "service_role_jwt": project.service_role_jwt.reveal(),
                "storage_directory": str(place.objects),
                "function_state_directory": str(place.functions),
                "mail_directory": str(place.mail),
            }

        login = Login(parameters={}, password=Secret("x"))
        with listener.listen(0) as socket:
            releases = Fleet(socket, place, compose, clock)
            try:
                yield LocalTarget(
                    place=place,
                    hands=releases,
                    secrets=AgeStore(place.secrets, tmp_path / "identity"),
                    access=lambda: Access(admin=login, owner=login),
                    publishable_key=project.publishable_key,
                    runtime=freehold.__version__,
                )
            finally:
                releases.stop_all()

    def make_sick(self, target: Any, release: Release) -> Release:
        assert target.name == "local"
        return dataclasses.replace(release, config=release.config | {"no_such_setting": True})

    def test_a_release_of_another_runtime_is_refused(self, target: LocalTarget, lease: Lease, tmp_path: Path) -> None:
        """There is one runtime on this machine: an older release was made for the one of its day."""
        made = self.release(target, lease, 1, tmp_path)
        target.add(lease, dataclasses.replace(made, number=2, runtime="0.0.1"), Manifest())
        with pytest.raises(TargetUnfit, match=r"wants runtime 0\.0\.1"):
            target.healthy(lease, 2)
        assert self.states(target) == {1: STAGED, 2: STAGED}

    def test_a_release_that_does_not_start_is_told_by_its_own_words(
        self, target: LocalTarget, lease: Lease, tmp_path: Path
    ) -> None:
        """All releases write to one log, and the one before may have said something there as well."""
        made = self.release(target, lease, 1, tmp_path)
        for number, setting in ((2, "first_setting"), (3, "second_setting")):
            target.add(lease, dataclasses.replace(made, number=number, config=made.config | {setting: 1}), Manifest())
            said = str(target.healthy(lease, number))
            assert setting in said
        assert "first_setting" not in said

    def test_a_release_whose_record_goes_while_they_are_listed_is_left_out(
        self, target: LocalTarget, lease: Lease, tmp_path: Path
    ) -> None:
        """Who lists them holds no lock, and a deploy may prune just then."""
        self.release(target, lease, 1, tmp_path)
        (target.place.releases / "000002.json").symlink_to("gone.json")
        assert self.states(target) == {1: STAGED}

    def test_a_release_that_is_looked_at_to_go_back_to_it_is_not_stopped_for_its_age(
        self, target: LocalTarget, lease: Lease, tmp_path: Path, clock: Clock
    ) -> None:
        for number in (1, 2, 3):
            self.release(target, lease, number, tmp_path, f"page {number}")
            self.serve(target, lease, number)
        clock.later_seconds = fleet.DRAIN_SECONDS + 1
        assert all(check.ok for check in target.healthy(lease, 1))
        assert isinstance(target.hands, Fleet)
        target.hands.retire()
        target.switch(lease, 1)
        assert self.states(target) == {1: LIVE, 2: COLD, 3: WARM}

    def test_a_release_that_is_started_while_its_former_process_ends_stays_reachable(
        self, target: LocalTarget, lease: Lease, tmp_path: Path
    ) -> None:
        for number in (1, 2):
            self.release(target, lease, number, tmp_path, f"page {number}")
            self.serve(target, lease, number)
        ending = threading.Thread(target=target.hands.stop, args=(1,))
        ending.start()
        while 1 in target.hands.running():
            time.sleep(0.01)
        self.serve(target, lease, 1)
        ending.join()
        self.serve(target, lease, 1)
        assert self.states(target) == {1: LIVE, 2: WARM}
